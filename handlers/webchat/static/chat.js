// The citizen's page. Written for old built-in browsers: no framework, nothing newer than 2016.
(function () {
  'use strict';

  var MAX = Number(document.body.getAttribute('data-max'));
  // Words that ask for a panel, so that nobody has to find its button.
  var PANELS = { '我的诉求': 'mine', '我的问题': 'mine', '查进度': 'mine', '办理进度': 'mine', '我的数据': 'data', '常办事项': 'menu' };
  var log = byId('log'), scroll = byId('scroll'), text = byId('text'), hint = byId('hint');
  var shown = {};            // key of a line → its element
  var queue = kept('queue', []);
  var cursor = '0.0', known = false, wrote = false, sending = false;
  var source = null, lastBeat = Date.now(), pause = 1000, reconnecting = 0, offlineTimer = 0;
  var framed = window.parent !== window;
  var lastTime = 0, hintTimer = 0, opener = null, atEnd = true;

  function byId(id) { return document.getElementById(id); }

  function make(tag, name, words) {
    var element = document.createElement(tag);
    if (name) element.className = name;
    if (words !== undefined) element.textContent = words;
    if (tag === 'button') element.type = 'button';
    return element;
  }

  // What is not sent yet survives a reload of this tab, and goes with it.
  function kept(name, otherwise) {
    try { return JSON.parse(sessionStorage.getItem('wenban.' + name)) || otherwise; } catch (e) { return otherwise; }
  }
  function keep(name, value) {
    try { sessionStorage.setItem('wenban.' + name, JSON.stringify(value)); } catch (e) { /* not allowed */ }
  }

  function uuid() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = bytes[6] & 15 | 64;
    bytes[8] = bytes[8] & 63 | 128;
    return Array.prototype.map.call(bytes, function (byte, place) {
      return (place === 4 || place === 6 || place === 8 || place === 10 ? '-' : '') + (byte + 256).toString(16).slice(1);
    }).join('');
  }

  // ---- the server ----

  // Resolves to the answer's JSON; rejects with {status, error, after}, status 0 for no answer.
  function call(path, body, file) {
    var options = { credentials: 'same-origin', cache: 'no-store' };
    if (file) {
      options.method = 'POST';
      options.headers = { 'Content-Type': 'application/octet-stream' };
      options.body = file;
    } else if (body) {
      options.method = 'POST';
      options.headers = { 'Content-Type': 'application/json' };
      options.body = JSON.stringify(body);
    }
    var late = new Promise(function (_, reject) {
      setTimeout(function () { reject({ status: 0 }); }, file ? 120000 : 20000);
    });
    var answer = fetch(path, options).then(function (response) {
      return response.json().catch(function () { return {}; }).then(function (data) {
        if (response.ok) return data;
        throw { status: response.status, error: data.error, after: Number(response.headers.get('Retry-After')) || 0 };
      });
    }, function () { throw { status: 0 }; });
    return Promise.race([answer, late]);
  }

  function temporary(problem) { return !problem.status || problem.status >= 500 || problem.status === 429; }

  function online() {
    clearTimeout(offlineTimer);
    offlineTimer = 0;
    pause = 1000;
    lastBeat = Date.now();
    banner('');
  }

  function offline() {
    if (offlineTimer) return;
    offlineTimer = setTimeout(function () { banner('网络断开了，正在重连。照常写，连上后自动发出。'); }, 3000);
  }

  function banner(words) {
    var element = byId('banner');
    element.textContent = words;
    element.hidden = !words;
    follow();
  }

  // Everything from the beginning; lines already shown are only brought up to date.
  function refresh() {
    return call('/chat/history').then(function (data) {
      online();
      known = data.known;
      if (!known && wrote) banner('浏览器没有保存 Cookie，收不到回复。请在浏览器设置里允许，再刷新页面。');
      data.lines.forEach(function (line) { add(line, true); });
      queue.forEach(function (item) { if (!shown[item.id]) waiting(item); });
      cursor = data.cursor;
      if (data.busy) working();
      else if (!hint.hidden) received(data.waiting);
      return data;
    });
  }

  function connect() {
    clearTimeout(reconnecting);
    reconnecting = 0;
    if (source) source.close();
    source = null;
    if (!known) return;
    if (!window.EventSource) {
      reconnecting = setTimeout(again, 4000);
      return;
    }
    lastBeat = Date.now();
    source = new EventSource('/chat/events?after=' + cursor);
    source.onopen = online;
    source.addEventListener('ping', online);
    source.onmessage = function (event) {
      online();
      cursor = event.lastEventId || cursor;
      add(JSON.parse(event.data), false);
    };
    source.onerror = function () {
      offline();
      if (source && source.readyState === 2) later();
    };
  }

  function later() {
    if (reconnecting) return;
    if (source) source.close();
    source = null;
    reconnecting = setTimeout(again, pause);
    pause = Math.min(pause * 2, 30000);
  }

  function again() {
    reconnecting = 0;
    refresh().then(function () { if (!source || source.readyState === 2) connect(); pump(); }, function () { offline(); later(); });
  }

  // ---- lines ----

  function add(line, old) {
    if (line.edits && shown[line.edits]) return edit(shown[line.edits], line);
    var element = shown[line.key];
    if (element && line.mine) return settle(element, '');
    if (element) {
      steps(element, line.steps || []);
      return line.spent && spend(element, line.pressed);
    }
    element = line.mine ? own(line.text || named(line.files)) : office(line);
    time(new Date(line.at));
    place(line.key, element, old);
    if (line.mine) return undefined;
    idle();
    supersede(line, element);
    return undefined;
  }

  function place(key, element, old) {
    shown[key] = element;
    log.appendChild(element);
    if (atEnd || old) reveal(element);
    else byId('newer').hidden = false;
  }

  // Who reads the end keeps seeing the end when something above or below it grows.
  function follow() { if (atEnd) scroll.scrollTop = scroll.scrollHeight; }

  // A line taller than the screen is shown from its beginning.
  function reveal(element) {
    var tall = element.offsetHeight > scroll.clientHeight - 60;
    scroll.scrollTop = tall ? element.offsetTop - scroll.offsetTop - 8 : scroll.scrollHeight;
    byId('newer').hidden = true;
  }

  function bubble(kind, speaker, words) {
    var element = make('li', kind), body = make('div', 'bubble');
    body.appendChild(make('span', 'hidden', speaker));
    body.appendChild(make('span', 'words', words));
    element.appendChild(body);
    return element;
  }

  function named(files) { return (files || []).map(function (name) { return '附件：' + name; }).join('\n'); }

  function own(words) { return bubble('mine', '您说：', words); }

  function office(line) {
    var element = bubble('office', '答复：', line.text);
    element.setAttribute('data-case', line.case || '');
    steps(element, line.steps || []);
    chips(element, line);
    opine(element, line.case, line.opinion);
    return element;
  }

  function edit(element, line) {
    if (line.text) element.querySelector('.words').textContent = line.text;
    Array.prototype.forEach.call(element.querySelectorAll('.chips'), function (box) { element.removeChild(box); });
    chips(element, line);
  }

  // Links stand apart from the choices: they open something, the others say something.
  function chips(element, line) {
    var buttons = [].concat.apply([], line.rows || []);
    [false, true].forEach(function (acting) {
      var some = buttons.filter(function (button) { return Boolean(button.action) === acting; });
      var box = make('div', 'chips');
      some.forEach(function (button) { box.appendChild(acting ? choice(element, button) : link(button)); });
      if (some.length) element.appendChild(box);
    });
    if (line.spent) spend(element, line.pressed);
  }

  // Steps of 一件事, ticked off as they are done; the office keeps the ticks.
  function steps(element, list) {
    var old = element.querySelector('.steps'), box = make('fieldset', 'steps');
    if (!list.length || (old && old.contains(document.activeElement))) return;
    box.appendChild(make('legend', '', '办好一步勾一步，下次来还在'));
    list.forEach(function (step) { box.appendChild(tick(element, step)); });
    if (old) element.replaceChild(box, old);
    else element.appendChild(box);
  }

  function tick(element, step) {
    var label = make('label'), input = make('input');
    input.type = 'checkbox';
    input.checked = step.done;
    input.addEventListener('change', function () {
      var wanted = input.checked;
      input.disabled = true;
      call('/chat/actions', { action: step.action + (wanted ? '+' : '-') }).then(function (data) {
        settle(element, data.text);
      }, function (problem) {
        input.checked = !wanted;
        settle(element, problem.error || '没有记下，请再点一次。', true);
      }).then(function () { input.disabled = false; input.focus(); });
    });
    label.appendChild(input);
    label.appendChild(make('span', '', step.title));
    return label;
  }

  function link(button) {
    var element = make('a', '', button.title);
    element.href = button.url;
    element.target = '_blank';
    element.rel = 'noopener noreferrer';
    element.appendChild(make('span', 'hidden', '（在新窗口打开）'));
    return element;
  }

  function choice(line, button) {
    var element = make('button', '', button.title);
    element.setAttribute('data-action', button.action);
    element.addEventListener('click', function () { press(line, button.action); });
    return element;
  }

  function spend(line, pressed) {
    Array.prototype.forEach.call(line.querySelectorAll('.chips button'), function (button) {
      button.disabled = true;
      var chosen = pressed && button.getAttribute('data-action') === pressed;
      if (chosen) button.className = 'pressed';
      if (chosen) button.setAttribute('aria-pressed', 'true');
    });
  }

  function reopen(line) {
    Array.prototype.forEach.call(line.querySelectorAll('.chips button'), function (button) {
      button.disabled = false;
      button.className = '';
      button.removeAttribute('aria-pressed');
    });
  }

  // A later line of the same matter closes the choices offered before it.
  function supersede(line, newest) {
    if (!line.case) return;
    Array.prototype.forEach.call(log.querySelectorAll('.office[data-case="' + line.case + '"]'), function (element) {
      var first = element.querySelector('.chips button');
      if (element !== newest && first && /^c:choose:/.test(first.getAttribute('data-action'))) spend(element, '');
    });
  }

  function press(line, action) {
    spend(line, action);
    scroll.focus({ preventScroll: true });  // the pressed button is disabled and would lose the focus
    call('/chat/actions', { action: action }).then(function (data) {
      settle(line, data.text);
      if (/^c:choose:/.test(action)) working();
      if (/^c:rate:/.test(action)) opine(line, Number(action.split(':')[2]), 2);
    }, function (problem) {
      if (temporary(problem)) reopen(line);
      settle(line, problem.error || '没有发出去，请再点一次。', true);
    });
  }

  // A few words on a grade, and once more later; shown as a button until somebody wants to write.
  function opine(element, number, left) {
    var old = element.querySelector('.opinion');
    if (old) element.removeChild(old);
    if (!left) return;
    var form = make('form', 'opinion'), open = make('button', '', left > 1 ? '说说原因（选填）' : '追评');
    open.addEventListener('click', function () { write(form, open.textContent); });
    form.addEventListener('submit', function (event) {
      event.preventDefault();
      comment(element, form, number, left);
    });
    form.appendChild(open);
    element.appendChild(form);

    function write(form, title) {
      var words = make('textarea'), send = make('button', '', '提交');
      words.rows = 2;
      words.maxLength = 500;
      words.setAttribute('aria-label', title);
      send.type = 'submit';
      form.textContent = '';
      form.appendChild(words);
      form.appendChild(send);
      words.focus();
      follow();
    }
  }

  function comment(element, form, number, left) {
    var words = form.querySelector('textarea'), send = form.querySelector('button');
    if (!words || !words.value.trim() || send.disabled) return;
    send.disabled = true;
    call('/chat/comments', { case: number, text: words.value }).then(function (data) {
      settle(element, data.text);
      opine(element, number, left - 1);
    }, function (problem) {
      send.disabled = false;
      settle(element, problem.error || '没有发出去，请再点一次。', true);
    });
  }

  function note(words) {
    var element = make('li', 'note', words);
    log.appendChild(element);
    reveal(element);
  }

  function time(at) {
    if (at - lastTime < 600000) return;
    lastTime = at;
    var element = make('li', 'time'), stamp = make('time', '', spoken(at));
    stamp.setAttribute('datetime', at.toISOString());
    element.appendChild(stamp);
    log.appendChild(element);
  }

  function spoken(at) {
    var now = new Date(), clock = ('0' + at.getHours()).slice(-2) + ':' + ('0' + at.getMinutes()).slice(-2);
    if (at.toDateString() === now.toDateString()) return '今天 ' + clock;
    var year = at.getFullYear() === now.getFullYear() ? '' : at.getFullYear() + '年';
    return year + (at.getMonth() + 1) + '月' + at.getDate() + '日 ' + clock;
  }

  function working() {
    clearTimeout(hintTimer);
    hint.className = 'working';
    hint.textContent = '正在查询…';
    hint.hidden = false;
    hintTimer = setTimeout(again, 4000);
    follow();
  }

  function received(byPerson) {
    clearTimeout(hintTimer);
    hint.className = '';
    hint.textContent = byPerson ? '已收到，由工作人员办理，回复会出现在这里。' : '已收到。';
    follow();
  }

  function idle() {
    clearTimeout(hintTimer);
    hint.hidden = true;
  }

  // ---- writing ----

  function submit(words) {
    words = words.trim();
    if (!words || length(words) > MAX) return false;
    var item = { id: uuid(), text: words };
    queue.push(item);
    keep('queue', queue);
    waiting(item);
    pump();
    return true;
  }

  function waiting(item) {
    var element = own(item.text);
    time(new Date());
    shown[item.id] = element;
    log.appendChild(element);
    settle(element, '正在发送…');
    reveal(element);
  }

  // A file goes at once and is not kept for later: the browser may not let us read it again.
  function attach(file, id) {
    if (file.size > 5242880) return note(file.name + ' 超过 5 MB，请压缩后再发。');
    var element = own(named([file.name]));
    shown[id] = element;
    log.appendChild(element);
    reveal(element);
    settle(element, '正在上传…');
    return call('/chat/visitor', {}).then(function () {
      return call('/chat/files?id=' + id + '&name=' + encodeURIComponent(file.name.slice(-200)), null, file);
    }).then(function () {
      settle(element, '');
      known = wrote = true;
      again();
    }, function (problem) {
      var button = make('button', '', '再试一次');
      button.addEventListener('click', function () { log.removeChild(element); delete shown[id]; attach(file, id); });
      settle(element, problem.error || '没有传上去，请检查网络。', true, temporary(problem) ? button : null);
    });
  }

  function settle(element, words, bad, button) {
    var old = element.querySelector('.state');
    if (old) element.removeChild(old);
    if (!words) return;
    var state = make('div', bad ? 'state bad' : 'state', words);
    if (button) state.appendChild(button);
    element.appendChild(state);
    follow();
  }

  function pump() {
    if (sending || !queue.length) return;
    var item = queue[0];
    sending = true;
    clearTimeout(pump.timer);
    // A first message that has to be sent twice must come from the same visitor twice.
    var ready = known ? Promise.resolve() : call('/chat/visitor', {});
    ready.then(function () { return call('/chat/messages', item); }).then(function () {
      sending = false;
      pump.pause = 0;
      done(item);
      settle(shown[item.id], '');
      working();
      if (!wrote) { wrote = true; again(); }
      pump();
    }, function (problem) {
      sending = false;
      if (temporary(problem)) retry(item, problem);
      else refuse(item, problem);
    });
  }

  function done(item) {
    queue = queue.filter(function (one) { return one.id !== item.id; });
    keep('queue', queue);
  }

  function retry(item, problem) {
    pump.pause = Math.min((pump.pause || 1) * 2, 30);
    var seconds = problem.after || pump.pause, button = make('button', '', '现在重发');
    button.addEventListener('click', pump);
    var words = problem.status === 429 ? '您发得有点快，' + seconds + ' 秒后自动发出。' : '还没发出去，连上后自动重发。';
    settle(shown[item.id], words, problem.status !== 429, problem.status === 429 ? null : button);
    pump.timer = setTimeout(pump, seconds * 1000);
  }

  function refuse(item, problem) {
    var button = make('button', '', '改一改');
    done(item);
    button.addEventListener('click', function () {
      log.removeChild(shown[item.id]);
      delete shown[item.id];
      write(text.value ? text.value + '\n' + item.text : item.text);
      text.focus();
    });
    settle(shown[item.id], problem.error || '没有发出去。', true, button);
    pump();
  }

  function length(words) { return Array.from ? Array.from(words).length : words.length; }

  function write(words) {
    text.value = words;
    measure();
  }

  function measure() {
    var number = length(text.value.trim()), left = MAX - number, count = byId('count');
    text.style.height = 'auto';
    text.style.height = Math.min(text.scrollHeight + 2, 168) + 'px';
    count.textContent = left < 0 ? '超出 ' + -left + ' 字，请删短或分几条发。' : left < 200 ? '还能写 ' + left + ' 字' : '';
    count.className = left < 0 ? 'column bad' : 'column';
    byId('send').disabled = !number || left < 0;
    keep('draft', text.value);
  }

  function send() {
    var panel = PANELS[text.value.trim()];
    if (panel) byId(panel).click();
    if (panel || submit(text.value)) write('');
    if (panel) return;
    text.focus();
  }

  // ---- panels ----

  function open(title, button) {
    opener = button;
    byId('sheet-title').textContent = title;
    byId('sheet-body').textContent = '';
    byId('veil').hidden = false;
    byId('sheet').focus();
    return byId('sheet-body');
  }

  function close() {
    byId('veil').hidden = true;
    if (opener) opener.focus();
  }

  function load(title, button, path, show) {
    var body = open(title, button), words = make('p', '', '正在读取…');
    body.appendChild(words);
    call(path).then(function (data) {
      body.textContent = '';
      show(body, data);
    }, function (problem) { words.textContent = problem.error || '读取失败，请检查网络后再试。'; });
  }

  function topics(body, data) {
    if (!data.topics.length) body.appendChild(make('p', '', '还没有整理好的事项，请直接提问。'));
    data.topics.forEach(function (topic) {
      var fold = make('details'), head = make('summary', '', topic.title);
      head.appendChild(make('small', '', topic.questions.length + ' 项'));
      fold.appendChild(head);
      topic.questions.forEach(function (question) {
        var button = make('button', '', question);
        button.addEventListener('click', function () { opener = scroll; close(); submit(question); });
        fold.appendChild(button);
      });
      body.appendChild(fold);
    });
  }

  function plain(body, data) { body.appendChild(make('p', '', data.text)); }

  function choices(body, list) {
    var box = make('div', 'choices');
    list.forEach(function (one) {
      var button = make('button', one.bad ? 'bad' : '', one.title);
      button.addEventListener('click', one.act);
      box.appendChild(button);
    });
    body.appendChild(box);
    return box;
  }

  function stored(body, data) {
    plain(body, data);
    if (!data.stored) return;
    choices(body, [{ title: '删除我的数据', bad: true, act: function () { confirm(body, data); } }]);
  }

  function confirm(body, data) {
    body.textContent = '';
    plain(body, { text: '删除后，这里的对话和诉求都没有了，正在办理的诉求也会撤回，不能恢复。确定删除吗？' });
    choices(body, [
      { title: '不删除', act: function () { body.textContent = ''; stored(body, data); } },
      { title: '确定删除', bad: true, act: function () { erase(body); } }
    ]).firstChild.focus();
  }

  function erase(body) {
    call('/chat/erase', { confirm: true }).then(function (data) {
      if (source) source.close();
      source = null;
      log.textContent = '';
      shown = {}; queue = []; cursor = '0.0'; known = wrote = false; lastTime = 0;
      keep('queue', queue);
      idle();
      close();
      note(data.text);
    }, function (problem) {
      body.textContent = '';
      plain(body, { text: problem.error || '没有删除成功，请检查网络后再试。' });
    });
  }

  function person() {
    if (submit(text.value ? text.value + '\n转人工' : '转人工')) write('');
  }

  // ---- start ----

  byId('composer').addEventListener('submit', function (event) { event.preventDefault(); send(); });
  text.addEventListener('input', measure);
  text.addEventListener('keydown', function (event) {
    // Enter also confirms a word in a Chinese input method: 229 is its key code there.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  });
  byId('file').addEventListener('change', function () {
    var file = this.files[0];
    this.value = '';
    if (file) attach(file, uuid());
  });
  byId('menu').addEventListener('click', function () { load('常办事项', this, '/chat/menu', topics); });
  byId('mine').addEventListener('click', function () { load('我的诉求', this, '/chat/mine', plain); });
  byId('data').addEventListener('click', function () { load('我的数据', this, '/chat/mydata', stored); });
  byId('person').addEventListener('click', person);
  byId('close').addEventListener('click', close);
  byId('veil').addEventListener('click', function (event) { if (event.target === this) close(); });
  byId('newer').addEventListener('click', function () { if (log.lastChild) reveal(log.lastChild); });
  scroll.addEventListener('scroll', function () {
    atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
    if (atEnd) byId('newer').hidden = true;
  });
  window.addEventListener('resize', follow);
  document.addEventListener('keydown', function (event) {
    // On another website the panel around the page hears no keys pressed in it.
    if (byId('veil').hidden && event.key === 'Escape' && framed) window.parent.postMessage('wenban:close', '*');
    if (byId('veil').hidden) return;
    if (event.key === 'Escape') close();
    if (event.key === 'Tab') stay(event);
  });
  window.addEventListener('online', again);
  window.addEventListener('offline', offline);
  document.addEventListener('visibilitychange', function () { if (!document.hidden) again(); });
  setInterval(function () { if (source && Date.now() - lastBeat > 40000) { offline(); later(); } }, 5000);

  // The Tab key stays inside the open panel.
  function stay(event) {
    var stops = byId('sheet').querySelectorAll('button, summary');
    var seen = Array.prototype.filter.call(stops, function (one) { return one.offsetParent; });
    var first = seen[0], last = seen[seen.length - 1], at = document.activeElement;
    if (event.shiftKey && (at === first || at === byId('sheet'))) { event.preventDefault(); last.focus(); }
    if (!event.shiftKey && at === last) { event.preventDefault(); first.focus(); }
  }

  if (framed) document.body.className = 'framed';
  text.value = text.value || kept('draft', '');  // on a slow line people write before this runs
  measure();
  again();
})();
