// A button for any website that opens the consultation page over it. No framework, nothing from
// elsewhere; styled by properties, so that a strict content policy of the website is no obstacle.
(function () {
  'use strict';

  var ACCOUNT = '{{account}}';
  var own = document.currentScript;
  if (!own || window.wenbanWidget) return;
  window.wenbanWidget = true;
  var base = own.src.replace(/\/widget\.js.*$/, '');
  var title = own.getAttribute('data-title') || '在线咨询';
  var side = own.getAttribute('data-side') === 'left' ? 'left' : 'right';
  var FONT = 'font:16px/1.4 "PingFang SC","Microsoft YaHei","Noto Sans CJK SC",system-ui,sans-serif;';
  var INK = 'background:' + ACCOUNT.color + ';color:#fff;';
  var panel = null, frame = null, scrolling = '';

  function make(tag, style) {
    var element = document.createElement(tag);
    element.style.cssText = ('all:initial;box-sizing:border-box;' + style).replace(/;/g, ' !important;');
    return element;
  }

  // Whatever the website says of such elements, this counts.
  function set(element, name, value) { element.style.setProperty(name, value, 'important'); }

  function labelled(words, style) {
    var element = make('button', FONT + INK + 'cursor:pointer;border:0;' + style);
    element.type = 'button';
    element.textContent = words;
    ring(element);
    return element;
  }

  // Whoever works by keyboard sees where they are, whatever the website says of outlines.
  function ring(element) {
    element.addEventListener('focus', function () { set(element, 'outline', '3px solid #fff'); set(element, 'outline-offset', '-5px'); });
    element.addEventListener('blur', function () { set(element, 'outline', 'none'); });
  }

  function narrow() { return window.innerWidth <= 600; }

  function fit() {
    if (!panel) return;
    set(panel, 'width', narrow() ? '100%' : '400px');
    set(panel, 'height', narrow() ? '100%' : Math.min(640, window.innerHeight - 32) + 'px');
    set(panel, 'bottom', narrow() ? '0' : '16px');
    set(panel, side, narrow() ? '0' : '16px');
    set(panel, 'border-radius', narrow() ? '0' : '10px');
    if (panel.hidden) return;
    document.documentElement.style.overflow = narrow() ? 'hidden' : scrolling;
  }

  function build() {
    panel = make('div', 'position:fixed;z-index:2147483001;flex-direction:column;overflow:hidden;background:#fff;box-shadow:0 4px 24px rgba(0,0,0,.35);');
    panel.id = 'wenban-panel';
    panel.hidden = true;
    panel.setAttribute('role', 'dialog');
    panel.setAttribute('aria-modal', 'true');
    panel.setAttribute('aria-label', ACCOUNT.name + ' ' + title);
    var bar = make('div', FONT + INK + 'display:flex;flex:none;align-items:center;padding:0 4px 0 14px;');
    var name = make('span', FONT + INK + 'flex:1;min-width:0;overflow:hidden;white-space:nowrap;text-overflow:ellipsis;font-weight:600;');
    name.textContent = ACCOUNT.name;
    var away = make('a', FONT + INK + 'flex:none;padding:11px 10px;cursor:pointer;text-decoration:underline;');
    away.href = base + '/';
    away.target = '_blank';
    away.rel = 'noopener';
    away.textContent = '新窗口';
    ring(away);
    var shut = labelled('关闭', 'flex:none;min-height:44px;padding:0 10px;');
    shut.addEventListener('click', close);
    frame = make('iframe', 'display:block;flex:1;width:100%;min-height:0;border:0;');
    frame.title = ACCOUNT.name + ' ' + title;
    frame.src = base + '/';
    [name, away, shut].forEach(function (one) { bar.appendChild(one); });
    [edge(function () { frame.focus(); }), bar, frame, edge(function () { away.focus(); })].forEach(function (one) { panel.appendChild(one); });
    panel.addEventListener('keydown', function (event) { if (event.key === 'Escape') close(); });
    document.body.appendChild(panel);
  }

  // Before and behind the panel, so that the Tab key stays inside it.
  function edge(turn) {
    var element = make('span', 'position:absolute;width:1px;height:1px;');
    element.tabIndex = 0;
    element.addEventListener('focus', turn);
    return element;
  }

  function open() {
    if (!panel) build();
    scrolling = document.documentElement.style.overflow;
    panel.hidden = false;
    set(panel, 'display', 'flex');
    set(button, 'display', 'none');
    button.setAttribute('aria-expanded', 'true');
    fit();
    frame.focus();
  }

  function close() {
    panel.hidden = true;
    set(panel, 'display', 'none');
    document.documentElement.style.overflow = scrolling;
    set(button, 'display', 'block');
    button.setAttribute('aria-expanded', 'false');
    button.focus();
  }

  var button = labelled(title, 'display:block;position:fixed;z-index:2147483000;bottom:20px;min-height:48px;padding:0 20px;border-radius:24px;box-shadow:0 2px 10px rgba(0,0,0,.3);' + side + ':16px;');
  button.id = 'wenban-button';
  button.setAttribute('aria-haspopup', 'dialog');
  button.setAttribute('aria-expanded', 'false');
  button.addEventListener('click', open);
  window.addEventListener('resize', fit);
  // The page tells when Esc is pressed in it; nothing else is taken from it.
  window.addEventListener('message', function (event) {
    if (frame && event.source === frame.contentWindow && event.data === 'wenban:close') close();
  });
  if (document.body) document.body.appendChild(button);
  else document.addEventListener('DOMContentLoaded', function () { document.body.appendChild(button); });
})();
