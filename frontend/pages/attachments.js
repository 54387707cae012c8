// The files of a ticket: pictures as pictures, others as names; adding one.
//
// A file needs the reader's token, so it is fetched and shown from memory (blob:), which
// is given back when the page is left.

import { decimal, el, empty, inWords, input, loadInto, panel, select, t, timeOf, toast, word } from '../kit.js';

const SHOWN = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];
const MAX_BYTES = 10 * 1024 * 1024;

export function attachments({ api, path, user, signal }) {
  const list = el('div');
  const load = () => loadInto(list, () => api.get(`${path}/attachments`), ({ items }) => (items.length
    ? el('ul', { class: 'files' }, items.map((file) => fileRow(api, path, file, signal))) : empty(t('No files.'))), { lines: 2 });
  load();
  const section = panel(t('Files'), {}, list);
  if (user.role !== 'viewer') section.append(uploadForm(api, path, user, load));
  return section;
}

function fileRow(api, path, file, signal) {
  const address = `${path}/attachments/${file.id}`;
  const picture = el('span', { class: 'picture', 'aria-hidden': 'true' });
  if (SHOWN.includes(file.content_type)) showPicture(api, address, picture, signal);
  return el('li', {}, picture, el('div', {},
    el('button', { type: 'button', class: 'link', onclick: () => save(api, address, file.filename) }, file.filename),
    el('p', { class: 'muted small' }, size(file.size_bytes), ' · ', file.uploaded_by_name ?? '', ' · ', timeOf(file.created_at),
      file.visibility === 'internal' ? ` · ${word('internal')}` : null)));
}

const size = (bytes) => (bytes < 1e6 ? `${decimal(bytes / 1e3, 0)} kB` : `${decimal(bytes / 1e6)} MB`);

async function showPicture(api, address, frame, signal) {
  const url = await api.file(address).then((blob) => URL.createObjectURL(blob), () => null);
  if (!url) return;
  signal.addEventListener('abort', () => URL.revokeObjectURL(url));
  frame.append(el('img', { src: url, alt: '' }));
}

async function save(api, address, name) {
  try {
    const url = URL.createObjectURL(await api.file(address));
    const link = el('a', { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  } catch (problem) {
    toast(inWords(problem), 'bad');
  }
}

function uploadForm(api, path, user, reload) {
  const file = input('file', { type: 'file', required: true, 'aria-label': t('File'), accept: 'image/*,application/pdf,text/plain' });
  const form = el('form', { class: 'inline', onsubmit: async (event) => {
    event.preventDefault();
    if (file.files[0].size > MAX_BYTES) return toast(t('A file may have 10 MB at most.'), 'bad');
    await api.upload(`${path}/attachments`, new FormData(form)).then(() => toast(t('Added.')), (problem) => toast(inWords(problem), 'bad'));
    form.reset();
    return reload();
  } }, file,
  user.role === 'requester' ? null : select('visibility', [['public', t('Public')], ['internal', t('Internal')]], { 'aria-label': t('Who may see it') }),
  el('button', { type: 'submit', class: 'button' }, t('Add file')));
  return form;
}
