// What makes the pages quicker; everything can be read, and every form sent, without it. No library, and nothing that a policy without
// 'unsafe-inline' forbids.
(() => {
  'use strict';
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  const one = (selector, of = document) => of.querySelector(selector);
  const say = text => { const said = one('#said'); said.textContent = ''; requestAnimationFrame(() => { said.textContent = text; }); };

  // Copying.
  const copy = async text => {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement('textarea');
    area.value = text; area.className = 'sr';
    document.body.append(area); area.select();
    document.execCommand('copy');
    area.remove();
  };
  const chosen = () => all('input[name=item]:checked');
  const textOf = async button => {
    if (button.dataset.copyFrom) return (await fetch(button.dataset.copyFrom)).text();
    if ('copyChosen' in button.dataset) return chosen().map(box => one('.file', box.closest('tr')).textContent).join('\n');
    return whole(button.dataset.copy);
  };
  // A link of ours is for somebody on another computer.
  const whole = text => text.startsWith('/') ? location.origin + text : text;
  all('code.secret').forEach(code => { code.textContent = whole(code.textContent); });
  document.addEventListener('click', async event => {
    const button = event.target.closest('[data-copy], [data-copy-from], [data-copy-chosen]');
    if (!button) return;
    await copy(await textOf(button));
    const label = button.textContent;
    button.textContent = '✓ ' + label; say(button.dataset.said);
    setTimeout(() => { button.textContent = label; }, 1600);
  });

  // An image that does not come is said to be missing, not shown as a torn page.
  document.addEventListener('error', event => {
    const image = event.target;
    if (!(image instanceof HTMLImageElement) || !image.dataset.image) return;
    const hole = document.createElement('span');
    hole.className = 'hole'; hole.textContent = '✕ ' + image.dataset.image;
    image.replaceWith(hole);
  }, true);

  // Boxes of the work list.
  const count = () => {
    const label = one('[data-chosen]');
    if (label) label.textContent = chosen().length ? chosen().length + ' ' + label.dataset.chosen : '';
    all('input[name=item]').forEach(box => box.closest('tr').classList.toggle('chosen', box.checked));
  };
  document.addEventListener('change', event => {
    if ('all' in event.target.dataset) all('input[name=item]', event.target.closest('table')).forEach(box => { box.checked = event.target.checked; });
    count();
  });

  // Keys; silent while somebody types or composes Hangul.
  const types = target => target.closest('input:not([type=checkbox]), textarea, select, [contenteditable]');
  const rows = () => all('[data-rows] tbody tr').filter(row => row.offsetParent !== null);
  const move = by => {
    const list = rows();
    if (!list.length) return false;
    const at = list.indexOf(document.activeElement && document.activeElement.closest('tr'));
    const row = list[Math.max(0, Math.min(list.length - 1, at < 0 ? 0 : at + by))];
    row.tabIndex = -1; row.focus(); row.scrollIntoView({ block: 'nearest' });
    return true;
  };
  const keys = {
    '/': () => { const box = one('[data-find]'); if (box) { box.focus(); box.select(); } return Boolean(box); },
    '?': () => { one('#help').showModal(); return true; },
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    x: () => { const row = document.activeElement.closest('tr'); const box = row && one('input[type=checkbox]', row); if (box) { box.checked = !box.checked; count(); } return Boolean(box); },
    r: () => { const button = one('button[data-key=r]'); if (button && (!one('[name=item]') || chosen().length)) button.click(); return Boolean(button); },
    Enter: () => { const row = document.activeElement; const link = row.matches('tr') && one('a', row); if (link) link.click(); return Boolean(link); },
  };
  document.addEventListener('keydown', event => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === 'Escape' && event.target.matches('[data-find]')) event.target.blur();
    if (types(event.target) || one('dialog[open]')) return;
    const key = keys[event.key];
    if (key && key()) event.preventDefault();
  });

  // Parts of a page that follow what happens: the page is asked for again, and its live parts change places with the new ones. Nothing is
  // asked while nobody looks.
  let asking = false, late = false;
  const refresh = async parts => {
    if (asking || document.hidden) { late = true; return; }
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      all('[data-live]').filter(part => !parts || parts.includes(part.dataset.live)).forEach(part => {
        const next = part.id && page.getElementById(part.id);
        if (next && !part.contains(document.activeElement) && next.innerHTML !== part.dataset.was) { const was = next.innerHTML; part.replaceWith(next); next.dataset.was = was; ready(next); }
      });
    } catch { /* The next time. */ } finally { asking = false; }
  };
  const live = () => {
    if (!one('[data-live]')) return;
    let source = null, timer = null;
    const poll = () => { clearInterval(timer); timer = setInterval(() => refresh(), 20000); };
    const open = () => {
      if (document.hidden || source) return;
      source = new EventSource('/api/v1/events');
      source.addEventListener('changed', event => {
        const what = JSON.parse(event.data);
        refresh(['overview', 'attention', 'deliveries'].filter(part => what[part]));
      });
      source.onerror = () => { if (source && source.readyState === EventSource.CLOSED) { source = null; poll(); } };
    };
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) { if (source) source.close(); source = null; clearInterval(timer); } else { open(); if (late) { late = false; refresh(); } }
    });
    open();
  };

  // The one-time link: its secret goes from behind the # into the form, and out of the address.
  const welcome = async form => {
    let secret = decodeURIComponent(location.hash.slice(1));
    if (secret) {
      one('[name=link]', form).value = secret;
      one('[data-link]', form).hidden = true;
      history.replaceState(null, '', location.pathname + location.search);
    } else secret = one('[name=link]', form).value;
    if (!secret) return;
    const asked = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ link: secret }) };
    const answer = await fetch('/api/v1/session/link/check', asked);
    if (answer.ok && (await answer.json()).name) one('[data-name]', form).remove();
    // Nobody thinks of a password for a link that is of no use any more.
    if (answer.status === 404) { form.remove(); one('#dead').hidden = false; }
  };

  // What needs a script appears with it.
  const ready = of => all('[data-copy], [data-copy-from], [data-copy-chosen], [data-all]', of).forEach(it => { it.hidden = false; });
  ready(document);
  count();
  live();
  all('[data-welcome]').forEach(welcome);
})();
