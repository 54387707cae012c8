// The list of tickets: filters in words, one page at a time, promises with their countdown.
//
// The address of this page carries the API's own parameters, so any `tickets_url` of a
// figure opens here as the rows it counts, and a filter can be sent to a colleague.

import { badge, count, el, empty, icon, input, instant, loadInto, priorityMark, select, slaBadge, t, table, timeOf, word } from '../kit.js';
import { teamNames, zoneNames } from './reference.js';

const CHOICES = {
  status: ['open', 'in_progress', 'on_hold', 'completed', 'closed', 'cancelled'],
  priority: ['urgent', 'high', 'medium', 'low'],
  category: ['fiber_installation', 'maintenance', 'repair', 'inspection', 'emergency'],
  sla_state: ['ok', 'at_risk', 'breached', 'paused', 'met', 'missed'],
};
const TITLES = { status: 'Status', priority: 'Priority', category: 'Category', sla_state: 'Promise (SLA)' };
const NAMED = { ...TITLES, q: 'Search text', team_id: 'Team' };
const SORTS = [['-created_at', 'Newest first'], ['created_at', 'Oldest first'], ['due_at', 'Due first'],
  ['priority', 'Most urgent first'], ['-updated_at', 'Last changed first']];
const PAGE_KEYS = ['cursor', 'limit', 'total'];
const SHOWN = [...Object.keys(CHOICES), 'zone', 'team_id', 'q', 'sort', 'assigned', 'mine'];

// The cursors of the pages before the present one, so that "previous" works.
let trail = { filters: null, cursors: [] };

export async function show({ api, query, go, user }) {
  const filters = Object.fromEntries(Object.entries(query).filter(([key]) => !PAGE_KEYS.includes(key)));
  const rememberedAs = JSON.stringify(filters);
  if (trail.filters !== rememberedAs || !query.cursor) trail = { filters: rememberedAs, cursors: [] };
  const change = (changed) => go('tickets', Object.fromEntries(
    Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== '' && value !== null)));

  const list = el('div', { class: 'ticket-list' });
  const strip = el('p', { class: 'strip-text', 'aria-live': 'polite' });
  const bar = el('div', { class: 'filter-bar' });
  const page = el('div', { class: 'page' },
    el('div', { class: 'title-row' }, el('h1', {}, t('Tickets')),
      user.role === 'viewer' ? null
        : el('a', { class: 'button primary', href: '#/tickets/new' }, icon('plus'), t('New ticket'))),
    bar, strip, list);

  drawFilters(bar, { api, filters, change, user });
  loadInto(list, () => loadPage(api, query, user), (answer) => drawPage(answer, { query, filters, go }), { lines: 12 });
  const { sort, ...counted } = filters;
  api.get('/api/tickets/stats/summary', counted).then((s) => strip.append(...summaryLine(s))).catch(() => {});
  return page;
}

async function loadPage(api, query, user) {
  const [answer, teams] = await Promise.all([
    api.get('/api/tickets', { limit: 50, sort: '-created_at', ...query }),
    user.role === 'requester' ? new Map() : teamNames(api).catch(() => new Map()),
  ]);
  return { ...answer, teams };
}

const summaryLine = (s) => [
  el('b', {}, t(s.total === 1 ? '1 ticket' : '{n} tickets', { n: count(s.total) })),
  s.overdue ? el('span', { class: 'is-bad' }, t('{n} overdue', { n: count(s.overdue) })) : null,
  s.at_risk ? el('span', { class: 'is-warn' }, t('{n} at risk', { n: count(s.at_risk) })) : null,
  s.unassigned ? el('span', {}, t('{n} unassigned', { n: count(s.unassigned) })) : null,
].filter(Boolean);

// ------------------------------------------------------------------ filters

function drawFilters(bar, { api, filters, change, user }) {
  const search = input('q', { type: 'search', value: filters.q ?? '', placeholder: t('Search number, title, customer, place'), 'aria-label': t('Search text') });
  const form = el('form', { class: 'search', role: 'search', onsubmit: (event) => {
    event.preventDefault();
    change({ q: search.value.trim() });
  } }, icon('search'), search);
  const zone = el('span', { class: 'pick' });
  const team = el('span', { class: 'pick' });
  const more = el('button', { type: 'button', class: 'button narrow-only', 'aria-expanded': 'false', onclick: () =>
    more.setAttribute('aria-expanded', String(bar.classList.toggle('is-open'))) }, t('Filters'));
  bar.append(...[form, more,
    ...Object.keys(CHOICES).map((name) => checklist(name, filters, change)), zone, team,
    labelled(t('Sort'), select('sort', SORTS.map(([code, label]) => [code, t(label)]),
      { value: filters.sort ?? '-created_at', onchange: (e) => change({ sort: e.target.value }) })),
    toggle(t('Unassigned'), filters.assigned === 'false', (on) => change({ assigned: on ? 'false' : '' })),
    user.role === 'requester' ? null : toggle(t('Mine'), filters.mine === 'true', (on) => change({ mine: on ? 'true' : '' })),
    chips(filters, change)].filter(Boolean));
  zoneNames(api).then((names) => zone.append(labelled(t('Zone'), select('zone',
    [['', t('All zones')], ...names.map((name) => [name, name])], { value: filters.zone, onchange: (e) => change({ zone: e.target.value }) })))).catch(() => {});
  if (user.role === 'requester') return;
  teamNames(api).then((names) => team.append(labelled(t('Team'), select('team_id',
    [['', t('All teams')], ...[...names].map(([id, name]) => [id, name])], { value: filters.team_id, onchange: (e) => change({ team_id: e.target.value }) })))).catch(() => {});
}

const labelled = (label, control) => el('label', { class: 'compact' }, el('span', {}, label), control);

const toggle = (label, on, set) =>
  el('button', { type: 'button', class: 'button toggle', 'aria-pressed': String(on), onclick: () => set(!on) }, label);

function checklist(name, filters, change) {
  const chosen = new Set((filters[name] ?? '').split(',').filter(Boolean));
  const boxes = CHOICES[name].map((code) => el('label', {},
    input(name, { type: 'checkbox', value: code, checked: chosen.has(code) }), el('span', {}, word(code))));
  const close = (event) => {
    if (event.key === 'Escape') { details.open = false; details.firstChild.focus(); }
  };
  const apply = () => {
    const now = boxes.map((b) => b.firstChild).filter((b) => b.checked).map((b) => b.value).join(',');
    if (now !== (filters[name] ?? '')) change({ [name]: now });
  };
  const details = el('details', { class: 'checklist', name: 'filter', onkeydown: close },
    el('summary', { class: chosen.size ? 'button is-on' : 'button' }, t(TITLES[name]), chosen.size ? el('b', {}, String(chosen.size)) : null),
    el('div', { class: 'drop' }, el('fieldset', {}, el('legend', {}, t(TITLES[name])), boxes),
      el('button', { type: 'button', class: 'button primary', onclick: apply }, t('Show'))));
  return details;
}

function chips(filters, change) {
  const extra = Object.entries(filters).filter(([name]) => name !== 'sort');
  if (!extra.length) return null;
  const text = (name, value) => (SHOWN.includes(name) && CHOICES[name] ? value.split(',').map(word).join(', ') : value);
  const title = (name) => (NAMED[name] ? t(NAMED[name]) : word(name));
  return el('p', { class: 'chips' }, extra.map(([name, value]) =>
    el('button', { type: 'button', class: 'chip', 'aria-label': t('Remove filter {name}', { name: title(name) }), onclick: () => change({ [name]: '' }) },
      `${title(name)}: ${text(name, value)}`, icon('cross'))),
  el('a', { href: '#/tickets' }, t('Clear all')));
}

// --------------------------------------------------------------------- rows

const columns = (teams) => [
  { title: t('Number'), class: 'number', cell: (r) => el('a', { href: `#/tickets/${r.number}` }, r.number) },
  { title: t('Title'), class: 'title', cell: (r) => [el('a', { href: `#/tickets/${r.number}`, tabindex: '-1' }, r.title), el('small', { class: 'muted' }, word(r.category))] },
  { title: t('Status'), class: 'bare', cell: (r) => badge(r.status) },
  { title: t('Priority'), class: 'bare', cell: (r) => priorityMark(r.priority) },
  { title: t('Promise'), class: 'bare', cell: (r) => slaBadge(r.sla) },
  { title: t('Zone and team'), class: 'bare', cell: (r) => [r.zone ?? '–', el('small', { class: 'muted' }, r.team_id ? teams.get(r.team_id) ?? t('Team {id}', { id: r.team_id }) : t('Unassigned'))] },
  { title: t('Created'), class: 'bare when', cell: (r) => timeOf(r.created_at) },
];

function drawPage({ items, page, teams }, { query, filters, go }) {
  if (!items.length) {
    return empty(Object.keys(filters).length ? t('No ticket matches these filters.') : t('There are no tickets yet.'),
      Object.keys(filters).length ? el('a', { class: 'button', href: '#/tickets' }, t('Clear all')) : null);
  }
  return [
    table(t('Tickets'), columns(teams), items, (r) => ({ class: 'row', title: `${r.number}, ${t('changed')} ${instant(r.updated_at)}` })),
    pager({ page, shown: items.length, query, filters, go }),
  ];
}

function pager({ page, shown, query, filters, go }) {
  const step = trail.cursors.length;
  const before = () => {
    const cursor = trail.cursors.pop();
    go('tickets', cursor ? { ...filters, cursor } : filters);
  };
  const after = () => {
    trail.cursors.push(query.cursor ?? '');
    go('tickets', { ...filters, cursor: page.next });
  };
  return el('nav', { class: 'pager', 'aria-label': t('Pages') },
    el('button', { type: 'button', class: 'button', disabled: !query.cursor, onclick: step ? before : () => go('tickets', filters) },
      icon('previous'), step ? t('Previous') : t('First page')),
    el('span', {}, t('Page {n}', { n: step + 1 }), ' · ', t('{n} shown', { n: count(shown) })),
    el('button', { type: 'button', class: 'button', disabled: !page.next, onclick: after }, t('Next'), icon('next')));
}
