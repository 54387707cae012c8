// What the person was told: mentions, offers, warnings; newest first, unread ones marked.

import { ago, count, el, empty, icon, inWords, loadInto, t, toast, word } from '../kit.js';

export async function show({ api, query, go }) {
  const list = el('div');
  const load = () => loadInto(list, () => api.get('/api/notifications', query), (answer) => drawNotes(answer, { api, go, query }), { lines: 8 });
  load();
  const readAll = async () => {
    await api.post('/api/notifications/read').then(({ marked }) => toast(t('Marked as read: {n}', { n: count(marked) })), (problem) => toast(inWords(problem), 'bad'));
    load();
  };
  return el('div', { class: 'page narrow' },
    el('div', { class: 'title-row' }, el('h1', {}, t('Inbox')), el('button', { type: 'button', class: 'button', onclick: readAll }, t('Mark all as read'))), list);
}

function drawNotes({ items, page }, { api, go, query }) {
  if (!items.length) return empty(t('Nothing for you yet.'));
  return [el('ul', { class: 'panel notes' }, items.map((note) => noteRow(note, api))),
    page.next ? el('nav', { class: 'pager', 'aria-label': t('Pages') }, el('button', { type: 'button', class: 'button', onclick: () => go('inbox', { ...query, cursor: page.next }) }, t('Next'), icon('next'))) : null].filter(Boolean);
}

const KIND_ICON = { mention: 'chat', 'visit.offered': 'van', 'sla.warning': 'clock', 'sla.breached': 'warn', 'ticket.completed': 'check' };

function noteRow(note, api) {
  const read = () => { if (!note.read_at) api.post(`/api/notifications/${note.id}/read`).catch(() => {}); };
  return el('li', { class: note.read_at ? null : 'unread' }, icon(KIND_ICON[note.kind] ?? 'tickets'),
    el('div', {}, el('p', {}, el('b', {}, word(note.kind.replaceAll('.', ' '))), ' ',
      note.ticket_number ? el('a', { href: `#/tickets/${note.ticket_number}`, onclick: read }, note.ticket_number) : null,
      note.read_at ? null : el('span', { class: 'hidden' }, ` (${t('unread')})`)),
    note.data?.body ? el('p', { class: 'small prose' }, note.data.body) : null),
    el('small', { class: 'muted' }, ago(note.created_at)));
}
