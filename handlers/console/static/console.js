// Keys, the way back, and what else only the browser can do. The server acts on a key; while a
// person types, or a window stands open, a key means nothing but itself.
const focuses = {
  '/': '.search input', e: '.reply-box textarea', f: '.find input', n: '.note-box input', w: '.ask-line input',
};
// One that shuts is there a moment longer, but no key means it any more.
const OPEN_WINDOW = '.q-dialog[aria-modal=true]';

document.addEventListener('keydown', event => {
  const typing = event.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (typing) {
    if (event.key === 'Escape' && !document.querySelector(OPEN_WINDOW)) event.target.blur();
    return;
  }
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector(OPEN_WINDOW + ', .q-menu')) return;
  const box = focuses[event.key] && document.querySelector(focuses[event.key]);
  if (box) {
    event.preventDefault();
    box.focus();
  } else if (/^[a-z?]$/.test(event.key) || event.key === 'Escape') {
    emitEvent('console-key', event.key);
  }
});
// A way within the page moves the cursor there, and is no step in the history.
document.addEventListener('click', event => {
  const way = event.target.closest('a[href^="#"]');
  const place = way && document.getElementById(way.hash.slice(1));
  if (!place) return;
  event.preventDefault();
  place.scrollIntoView();
  place.focus();
});
// Copying works on plain http of an intranet too, where the clipboard interface does not exist.
function copyText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const chosen = getSelection();
  chosen.removeAllRanges();
  chosen.addRange(range);
  document.execCommand('copy');
  const line = element.closest('.posting');
  line.querySelector('.posting-copied').textContent = '已复制，发布后请按“已发布”';
}
document.addEventListener('click', event => {
  const button = event.target.closest('.posting-copy');
  if (button) copyText(button.closest('.posting-part').querySelector('.posting-text'));
});
window.addEventListener('popstate', () => location.reload());

// Put a text where the cursor stands in a field; what is written at the end begins a line.
function putIn(selector, text) {
  const box = document.querySelector(selector);
  if (!box) return;
  const { selectionStart: from, selectionEnd: to, value } = box;
  const apart = from === value.length && value && !value.endsWith('\n') ? '\n' : '';
  box.focus();
  box.setRangeText(apart + text, from, to, 'end');
  box.dispatchEvent(new Event('input', { bubbles: true }));
}

// When the server was away, the page may have to be loaded anew: what was being written is put back.
const WRITTEN = '.reply-box textarea, .note-box input';
const lost = document.getElementById('popup');
lost?.setAttribute('role', 'alert');
addEventListener('pagehide', () => {
  if (lost?.ariaHidden !== 'false') return;
  const texts = [...document.querySelectorAll(WRITTEN)].map(box => box.value);
  sessionStorage.setItem('written', JSON.stringify({ at: location.pathname, texts }));
});
const kept = JSON.parse(sessionStorage.getItem('written') || 'null');
sessionStorage.removeItem('written');
if (kept?.at === location.pathname) {
  const started = Date.now();
  const looking = setInterval(() => {
    const boxes = [...document.querySelectorAll(WRITTEN)];
    if (Date.now() - started > 20_000) clearInterval(looking);
    if (!boxes.length || !window.did_handshake) return;
    clearInterval(looking);
    boxes.forEach((box, place) => {
      if (!kept.texts[place] || box.value === kept.texts[place]) return;
      box.value = kept.texts[place];
      box.dispatchEvent(new Event('input', { bubbles: true }));
    });
  }, 100);
}
