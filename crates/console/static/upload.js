// Handing photos over in the browser. Names are checked by the server before a byte is sent, contents are hashed here, and what the server
// has already is not sent again: ended at any point and begun again with the same folder, it goes on.
(() => {
  'use strict';
  const SIDE_BY_SIDE = 6, AT_ONCE = 100, SHOWN = 400, TRIES = 4;
  const one = (selector, of = document) => of.querySelector(selector);
  const korean = document.documentElement.lang === 'ko';
  const t = (english, hangul) => korean ? hangul : english;
  const number = n => n.toLocaleString('en-US');
  // What a name holds that is not seen, or shows it as another one, is written out, as the pages do.
  const visible = text => text.replace(/[\p{Cc}\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu, c => '\\u{' + c.codePointAt(0).toString(16) + '}');
  const size = n => n < 1000 ? n + ' B' : n < 1e6 ? (n / 1e3).toFixed(1) + ' kB' : (n / 1e6).toFixed(1) + ' MB';

  // What a refusal of the API means, in the language of the page: the page brings what its codes mean.
  const meanings = one('meta[name=refusals]');
  const codes = new Map(meanings ? JSON.parse(meanings.content) : []);
  const refusal = (problem, status) => korean ? codes.get(problem.code) || '요청을 처리하지 못했습니다 (' + (problem.code || status) + ')' : problem.detail || 'the request failed (' + status + ')';
  // What a browser says of itself is in the browser's language, and seldom helps: a file that changed or went, a network that is away.
  const message = error => error.name === 'Error' ? error.message : error.name === 'TypeError' ? t('The server cannot be reached.', '서버에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.') : t('A file cannot be read: was it changed or moved? ', '파일을 읽을 수 없습니다. 바뀌거나 옮겨지지 않았는지 확인해 주세요. ') + '(' + error.name + ')';
  const hint = of => t(of.hint, of.hint_korean) || of.hint || '';

  const ask = async (path, body) => {
    const csrf = one('meta[name=csrf]');
    const headers = { 'Content-Type': 'application/json' };
    if (csrf) headers['X-Cameo-CSRF'] = csrf.content;
    const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.status === 401) location.href = '/login?next=' + encodeURIComponent(location.pathname);
    const read = await answer.json();
    if (!answer.ok) throw new Error(refusal(read, answer.status));
    return read;
  };

  // MD5 (RFC 1321), since browsers have none; and SHA-256 (FIPS 180-4) where the page is not a secure context and has no `crypto.subtle`.
  const hex = bytes => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
  const padded = (bytes, little) => {
    const length = ((bytes.length + 8 >> 6) + 1) << 6, all = new Uint8Array(length);
    all.set(bytes); all[bytes.length] = 128;
    const view = new DataView(all.buffer);
    view.setUint32(length - (little ? 8 : 4), bytes.length << 3 >>> 0, little);
    view.setUint32(length - (little ? 4 : 8), Math.floor(bytes.length / 0x20000000), little);
    return view;
  };
  const TURNS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
  const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 4294967296) | 0);
  const md5 = bytes => {
    const view = padded(bytes, true), m = new Int32Array(16);
    let A = 0x67452301, B = 0xefcdab89 | 0, C = 0x98badcfe | 0, D = 0x10325476;
    for (let at = 0; at < view.byteLength; at += 64) {
      for (let i = 0; i < 16; i++) m[i] = view.getInt32(at + i * 4, true);
      let a = A, b = B, c = C, d = D;
      for (let i = 0; i < 64; i++) {
        const round = i >> 4;
        let f, g;
        if (round === 0) { f = b & c | ~b & d; g = i; }
        else if (round === 1) { f = d & b | ~d & c; g = 5 * i + 1 & 15; }
        else if (round === 2) { f = b ^ c ^ d; g = 3 * i + 5 & 15; }
        else { f = c ^ (b | ~d); g = 7 * i & 15; }
        const sum = a + f + SINES[i] + m[g] | 0, turn = TURNS[round * 4 + (i & 3)];
        a = d; d = c; c = b; b = b + (sum << turn | sum >>> 32 - turn) | 0;
      }
      A = A + a | 0; B = B + b | 0; C = C + c | 0; D = D + d | 0;
    }
    const out = new DataView(new ArrayBuffer(16));
    [A, B, C, D].forEach((word, i) => out.setInt32(i * 4, word, true));
    return hex(new Uint8Array(out.buffer));
  };
  const roots = (power, count) => {
    const found = [];
    for (let n = 2; found.length < count; n++) {
      let prime = true;
      for (let i = 2; i * i <= n; i++) if (n % i === 0) prime = false;
      if (prime) { const root = Math.pow(n, power); found.push((root - Math.floor(root)) * 4294967296 | 0); }
    }
    return found;
  };
  const sha256 = async bytes => {
    if (window.crypto && crypto.subtle) return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
    const K = roots(1 / 3, 64), H = roots(1 / 2, 8), view = padded(bytes, false), w = new Int32Array(64);
    const turn = (x, n) => x >>> n | x << 32 - n;
    for (let at = 0; at < view.byteLength; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + i * 4);
      for (let i = 16; i < 64; i++) {
        const x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ x >>> 3) + w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ y >>> 10) | 0;
      }
      let [a, b, c, d, e, f, g, h] = H;
      for (let i = 0; i < 64; i++) {
        const s = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + K[i] + w[i] | 0;
        const r = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
        h = g; g = f; f = e; e = d + s | 0; d = c; c = b; b = a; a = s + r | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((word, i) => { H[i] = H[i] + word | 0; });
    }
    const out = new DataView(new ArrayBuffer(32));
    H.forEach((word, i) => out.setInt32(i * 4, word));
    return hex(new Uint8Array(out.buffer));
  };

  // One file to its address, tried again when the line breaks.
  const put = (file, to, progress) => new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open('PUT', to.url);
    Object.entries(to.headers).filter(([name]) => !/^(host|content-length)$/i.test(name)).forEach(([name, value]) => request.setRequestHeader(name, value));
    request.upload.onprogress = event => progress(event.loaded);
    request.onload = () => request.status < 300 ? done() : failed(new Error(t('the store answers ', '저장소 응답 ') + request.status));
    request.onerror = () => failed(new Error(t('the store cannot be reached from this page (is its address right, and s3.cors_origins set?)', '이 화면에서 저장소에 연결할 수 없습니다 (주소와 s3.cors_origins 설정을 확인해 주세요)')));
    request.send(file);
  });
  const send = async (vertical, item, to, progress) => {
    for (let n = 1; ; n++) {
      try { return await put(item.file, to, progress); } catch (error) {
        if (n >= TRIES) throw error;
        await new Promise(next => setTimeout(next, 500 * 2 ** n));
        const [again] = (await ask('/api/v1/uploads', { vertical, files: [{ name: item.name, size: item.file.size, md5: item.md5 }] })).items;
        if (again.state === 'present') return;
        if (again.state === 'refused') throw new Error(hint(again));
        to = again;
      }
    }
  };
  const hash = async item => {
    const bytes = new Uint8Array(await item.file.arrayBuffer());
    item.md5 = md5(bytes);
    item.sha256 = await sha256(bytes);
  };

  // The page of uploads.
  const form = one('[data-upload]');
  if (form) {
    const table = one('#upload-files tbody'), said = one('[data-said]', form), bar = one('[data-bar]');
    let items = [], from = '', running = false, paused = false;
    const word = {
      ready: ['waits', '…', t('ready', '준비됨')], fault: ['bad', '✕', t('refused', '거부됨')], ignored: ['quiet', '–', t('ignored', '무시됨')],
      hashing: ['waits', '…', t('being read', '읽는 중')], sending: ['waits', '…', t('being sent', '전송 중')], sent: ['good', '✓', t('sent', '전송됨')],
      present: ['good', '✓', t('there already', '이미 있음')], failed: ['bad', '✕', t('failed', '실패')],
    };
    const show = item => {
      if (!item.row) return;
      const [tone, shape, text] = word[item.state];
      const badge = document.createElement('span'), mark = document.createElement('i');
      badge.className = 'badge ' + tone; mark.textContent = shape; mark.setAttribute('aria-hidden', 'true');
      badge.append(mark, text);
      const more = document.createElement('span');
      more.textContent = item.why ? ' ' + visible(item.why) : item.state === 'sending' && item.file.size ? ' ' + Math.floor(100 * (item.loaded || 0) / item.file.size) + ' %' : '';
      item.row.cells[2].replaceChildren(badge, more);
    };
    const rank = item => item.state === 'fault' ? 0 : item.warns ? 1 : item.state === 'ignored' ? 3 : 2;
    const list = () => {
      items.sort((a, b) => rank(a) - rank(b));
      table.replaceChildren();
      items.forEach((item, at) => {
        item.row = null;
        if (at >= SHOWN) return;
        const row = table.insertRow(), head = document.createElement('th'), code = document.createElement('bdi');
        head.scope = 'row'; code.className = 'code'; code.textContent = visible(item.path); head.append(code); row.append(head);
        const bytes = row.insertCell(); bytes.className = 'n'; bytes.textContent = size(item.file.size);
        row.insertCell();
        item.row = row; show(item);
      });
      one('[data-more]').textContent = items.length > SHOWN ? t('Listed are the first ', '처음 ') + SHOWN + t('', '개만 표시합니다') : '';
      counts();
    };
    const of = state => items.filter(item => item.state === state).length;
    const counts = () => {
      const done = of('sent') + of('present');
      const parts = [[done, 'good', '✓ ', t(' sent', '개 전송')], [of('ready') + of('hashing') + of('sending'), 'waits', '… ', t(' to send', '개 대기')], [of('fault') + of('failed'), 'bad', '✕ ', t(' refused', '개 거부')], [of('ignored'), 'quiet', '– ', t(' ignored', '개 무시')]];
      one('[data-counts]').replaceChildren(...parts.filter(([n]) => n).map(([n, tone, shape, text]) => {
        const span = document.createElement('span'); span.className = tone; span.textContent = shape + number(n) + text; return span;
      }));
      const all = items.filter(item => item.state !== 'ignored' && item.state !== 'fault').length;
      one('[data-bar-done]').setAttribute('width', all ? Math.round(1000 * done / all) : 0);
      const faults = of('fault');
      one('[data-skip]').hidden = !faults || running;
      one('[data-send]').disabled = running || !(of('ready') + of('failed')) || Boolean(faults) && !form.skip.checked;
    };
    const set = (item, state, why) => { item.state = state; item.why = why || ''; show(item); };

    // A file that is not sent: why, in both languages, since a delivery's record has both.
    const refuse = (item, code, english, hangul) => Object.assign(item, { state: 'fault', code, detail: english, detailKorean: hangul, why: t(english, hangul) });

    // Everything that can be said of a file without sending it.
    const check = async found => {
      const vertical = form.vertical.value.trim();
      if (!form.vertical.reportValidity()) return;
      one('#checked').hidden = false; said.textContent = t('Checking names …', '이름을 확인하는 중 …');
      items = found.map(({ file, path }) => ({ file, path, name: path.split('/').pop(), state: 'ready', why: '' }));
      const plain = items.filter(item => {
        if (item.path.includes('/')) refuse(item, 'name.subfolder', 'in a folder inside of the folder', '하위 폴더에 있습니다');
        return item.state === 'ready';
      });
      for (let at = 0; at < plain.length; at += 1000) {
        const part = plain.slice(at, at + 1000);
        const answer = await ask('/api/v1/names/check', { vertical, names: part.map(item => item.name) });
        answer.items.forEach((checked, i) => {
          const item = part[i];
          Object.assign(item, { cd_idx: checked.cd_idx, sequence: checked.sequence, key: checked.key });
          if (checked.state === 'ignored') item.state = 'ignored';
          if (checked.state === 'unparseable') refuse(item, 'name.unparseable', checked.hint || '', checked.hint_korean || '');
        });
      }
      const keys = new Map(), sequences = new Map();
      for (const item of items.filter(item => item.state === 'ready')) {
        if (keys.has(item.key)) { refuse(item, 'name.duplicate', 'the same photo as ' + keys.get(item.key).name, '같은 사진: ' + keys.get(item.key).name); continue; }
        keys.set(item.key, item);
        sequences.set(item.cd_idx, [...(sequences.get(item.cd_idx) || []), item]);
        const head = new Uint8Array(await item.file.slice(0, 2).arrayBuffer());
        if (!item.file.size) refuse(item, 'file.empty', 'no bytes', '내용이 없습니다');
        else if (head[0] !== 255 || head[1] !== 216) refuse(item, 'file.not_jpeg', 'not a JPEG, whatever it is called', '이름과 달리 JPEG가 아닙니다');
      }
      for (const group of sequences.values()) {
        group.sort((a, b) => a.sequence - b.sequence);
        const gap = group.findIndex((item, i) => item.sequence !== i);
        if (gap >= 0 && group[gap].state === 'ready') { group[gap].warns = true; group[gap].why = t('▲ a sequence before it is missing', '▲ 앞 순번이 없습니다'); }
      }
      said.textContent = of('fault') ? t('Correct the names and drop the folder again, or leave those files out.', '이름을 고쳐 다시 놓거나, 문제 있는 파일을 빼고 전달하세요.') : '';
      list();
    };

    const handOver = async () => {
      running = true; paused = false; counts();
      bar.hidden = false; one('[data-stop]').hidden = false;
      const vertical = form.vertical.value.trim();
      const wanted = items.filter(item => ['ready', 'failed'].includes(item.state));
      said.textContent = t('Reading the files …', '파일을 읽는 중 …');
      for (const item of wanted) { if (paused) return; set(item, 'hashing'); await hash(item); set(item, 'ready', item.why); }
      const files = items.filter(item => item.md5).map(({ name, file, md5, sha256 }) => ({ name, size: file.size, md5, sha256 }));
      const skipped = items.filter(item => item.state === 'fault').map(item => ({ file: item.path, code: item.code, cd_idx: item.cd_idx || null, sequence: item.sequence === undefined ? null : item.sequence, detail: item.detail, detail_korean: item.detailKorean }));
      const mark = 'cameo:' + vertical + ':' + md5(new TextEncoder().encode(files.map(file => file.name + file.md5).sort().join()));
      let delivery = localStorage.getItem(mark);
      if (!delivery) {
        delivery = (await ask('/api/v1/deliveries', { vertical, from, tool: 'console', note: form.note.value.trim() || null, files, skipped })).delivery;
        localStorage.setItem(mark, delivery);
      }
      said.textContent = t('Sending …', '전송 중 …');
      for (let at = 0; at < wanted.length && !paused; at += AT_ONCE) {
        const part = wanted.slice(at, at + AT_ONCE);
        const answer = await ask('/api/v1/uploads', { vertical, files: part.map(item => ({ name: item.name, size: item.file.size, md5: item.md5 })) });
        const todo = part.map((item, i) => [item, answer.items[i]]);
        const worker = async () => {
          for (let next; !paused && (next = todo.shift());) {
            const [item, to] = next;
            if (to.state === 'present') { set(item, 'present'); counts(); continue; }
            if (to.state === 'refused') { set(item, 'failed', hint(to)); counts(); continue; }
            set(item, 'sending');
            try { await send(vertical, item, to, loaded => { item.loaded = loaded; show(item); }); set(item, 'sent'); } catch (error) { set(item, 'failed', message(error)); }
            counts();
          }
        };
        await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
      }
      if (paused) return;
      running = false; one('[data-stop]').hidden = true; counts();
      if (of('failed')) { said.textContent = t('Some files failed. Hand over again: what was sent is not sent twice.', '실패한 파일이 있습니다. 다시 전달하면 나머지만 전송합니다.'); return; }
      localStorage.removeItem(mark);
      await forget();
      onbeforeunload = null;
      location.href = '/deliveries/' + encodeURIComponent(delivery);
    };
    // The folder is remembered until it is handed over whole, so that a reload goes on with it; where browsers cannot, it is chosen again.
    const folders = (mode, act) => new Promise((done, failed) => {
      const opening = indexedDB.open('cameo', 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore('folders');
      opening.onerror = () => failed(opening.error);
      opening.onsuccess = () => {
        const change = opening.result.transaction('folders', mode), asked = act(change.objectStore('folders'));
        change.oncomplete = () => { opening.result.close(); done(asked.result); };
        change.onerror = () => { opening.result.close(); failed(change.error); };
      };
    });
    let folder = null;
    const remember = () => folder && folders('readwrite', it => it.put({ folder, vertical: form.vertical.value.trim(), note: form.note.value, skip: form.skip.checked }, 'unfinished')).catch(() => {});
    const forget = () => folders('readwrite', it => it.delete('unfinished')).catch(() => {});
    const read = async (of, path) => {
      const found = [];
      for await (const [name, entry] of of.entries()) {
        if (entry.kind === 'file') found.push({ file: await entry.getFile(), path: path + name });
        else found.push(...await read(entry, path + name + '/'));
      }
      return found;
    };
    const open = async of => { folder = of; from = of.name; await check(await read(of, '')); };
    const resume = async () => {
      const left = await folders('readonly', it => it.get('unfinished')).catch(() => null);
      if (!left) return;
      const line = one('[data-resume]'), button = one('button', line);
      button.append(' ' + left.folder.name + ' → ' + left.vertical);
      line.hidden = false;
      button.addEventListener('click', async () => {
        if (await left.folder.requestPermission({ mode: 'read' }) !== 'granted') return;
        line.hidden = true;
        form.vertical.value = left.vertical; form.note.value = left.note; form.skip.checked = left.skip;
        await open(left.folder);
        one('[data-send]').click();
      });
    };

    const begin = () => handOver().catch(error => { said.textContent = message(error); running = false; counts(); }).finally(() => { if (paused) { running = false; items.forEach(item => { if (['hashing', 'sending'].includes(item.state)) set(item, 'ready'); }); counts(); said.textContent = t('Paused.', '멈췄습니다.'); } });

    // Entries of what was dropped, folders opened.
    const walk = async (entry, path) => {
      if (entry.isFile) return [{ file: await new Promise((done, failed) => entry.file(done, failed)), path: path + entry.name }];
      const reader = entry.createReader(), found = [];
      for (;;) {
        const part = await new Promise((done, failed) => reader.readEntries(done, failed));
        if (!part.length) break;
        for (const inner of part) found.push(...await walk(inner, path + entry.name + '/'));
      }
      return found;
    };
    const within = found => {
      // The one folder that was dropped is no folder of the names.
      const roots = new Set(found.map(it => it.path.includes('/') ? it.path.split('/')[0] : ''));
      if (roots.size !== 1 || roots.has('')) return found;
      from = [...roots][0];
      return found.map(it => ({ file: it.file, path: it.path.slice(from.length + 1) }));
    };
    const take = found => check(within(found)).catch(error => { said.textContent = message(error); });
    const zone = one('[data-drop]');
    zone.addEventListener('dragover', event => { event.preventDefault(); zone.classList.add('over'); });
    zone.addEventListener('dragleave', () => zone.classList.remove('over'));
    zone.addEventListener('drop', async event => {
      event.preventDefault(); zone.classList.remove('over');
      folder = null;
      const handles = [...event.dataTransfer.items].map(item => item.getAsFileSystemHandle && item.getAsFileSystemHandle());
      const entries = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
      const found = (await Promise.all(entries.map(entry => walk(entry, '')))).flat();
      const [only] = handles.length === 1 ? await Promise.all(handles) : [];
      if (only && only.kind === 'directory') folder = only;
      take(found);
    });
    const picked = input => [...input.files].map(file => ({ file, path: file.webkitRelativePath || file.name }));
    one('[data-folder]').addEventListener('change', event => { folder = null; take(picked(event.target)); });
    one('[data-folder]').addEventListener('click', async event => {
      if (!window.showDirectoryPicker) return;
      event.preventDefault();
      try { await open(await showDirectoryPicker()); } catch (error) { if (error.name !== 'AbortError') said.textContent = message(error); }
    });
    one('[data-files]').addEventListener('change', event => take(picked(event.target)));
    form.skip.addEventListener('change', counts);
    one('[data-stop]').addEventListener('click', () => { paused = true; });
    form.addEventListener('submit', event => { event.preventDefault(); onbeforeunload = () => running || undefined; remember(); begin(); });
    form.hidden = false;
    resume();
  }

  // Replacing one photo, on the page of its entity.
  document.querySelectorAll('[data-replace]').forEach(section => {
    const name = section.dataset.replace, vertical = section.dataset.vertical;
    const progress = one('.progress', section);
    const replace = async file => {
      const item = { file, name };
      progress.textContent = t('Reading …', '읽는 중 …');
      const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
      if (head[0] !== 255 || head[1] !== 216) throw new Error(t('This is not a JPEG, whatever it is called.', '이름과 달리 JPEG가 아닙니다.'));
      await hash(item);
      const [to] = (await ask('/api/v1/uploads', { vertical, files: [{ name, size: file.size, md5: item.md5 }] })).items;
      if (to.state === 'refused') throw new Error(hint(to));
      if (to.state === 'present') { progress.textContent = t('This very photo is there already.', '이미 같은 사진입니다.'); return; }
      await send(vertical, item, to, loaded => { progress.textContent = Math.floor(100 * loaded / file.size) + ' %'; });
      progress.textContent = t('Sent. It is live in a moment.', '전송했습니다. 곧 게시됩니다.');
      setTimeout(() => location.reload(), 2500);
    };
    const begin = file => file && replace(file).catch(error => { progress.textContent = message(error); });
    one('.drop', section).hidden = false;
    one('input[type=file]', section).addEventListener('change', event => begin(event.target.files[0]));
    section.addEventListener('dragover', event => { event.preventDefault(); section.classList.add('over'); });
    section.addEventListener('dragleave', () => section.classList.remove('over'));
    section.addEventListener('drop', event => { event.preventDefault(); section.classList.remove('over'); begin(event.dataTransfer.files[0]); });
  });
})();
