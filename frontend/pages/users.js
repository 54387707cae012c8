// Accounts, for admins: who there is, their role, and whether they may come in.

import { ago, ask, el, empty, field, icon, input, inWords, loadInto, select, t, table, toast, word } from '../kit.js';

const ROLES = ['admin', 'manager', 'dispatcher', 'technician', 'requester', 'viewer'];

export async function show({ api, query, go, user }) {
  const list = el('div');
  const load = () => loadInto(list, () => api.get('/api/auth/users', { limit: 50, ...query }), (answer) => drawUsers(answer, { api, go, query, load, user }), { lines: 10 });
  load();
  return el('div', { class: 'page' },
    el('div', { class: 'title-row' }, el('h1', {}, t('Users')),
      el('button', { type: 'button', class: 'button primary', onclick: () => add(api, load) }, icon('plus'), t('New user'))),
    filters(query, go), list);
}

function filters(query, go) {
  const { cursor, ...kept } = query;
  const change = (changed) => go('users', Object.fromEntries(Object.entries({ ...kept, ...changed }).filter(([, value]) => value)));
  const search = input('q', { type: 'search', value: query.q ?? '', 'aria-label': t('Search users'), placeholder: t('Name or e-mail') });
  return el('div', { class: 'filter-bar' },
    el('form', { class: 'search', role: 'search', onsubmit: (event) => {
      event.preventDefault();
      change({ q: search.value.trim() });
    } }, icon('search'), search),
    el('label', { class: 'compact' }, el('span', {}, t('Role')), select('role', [['', t('All roles')], ...ROLES.map((r) => [r, word(r)])],
      { value: query.role, onchange: (event) => change({ role: event.target.value }) })));
}

async function attempt(work, done) {
  await work().then(() => toast(done), (problem) => toast(inWords(problem), 'bad'));
}

function drawUsers({ items, page }, { api, go, query, load, user }) {
  if (!items.length) return empty(t('No users.'));
  const change = async (row, body) => {
    await attempt(() => api.patch(`/api/auth/users/${row.id}`, body), t('Saved.'));
    load();
  };
  return [table(t('Users'), [
    { title: t('User name'), class: 'title', cell: (u) => [el('b', {}, u.username), el('small', { class: 'muted' }, u.full_name)] },
    { title: t('E-mail'), cell: (u) => u.email },
    { title: t('Role'), cell: (u) => select('role', ROLES.map((r) => [r, word(r)]), { value: u.role, disabled: u.id === user.id,
      'aria-label': t('Role of {name}', { name: u.username }), onchange: (e) => change(u, { role: e.target.value }) }) },
    { title: t('Last sign-in'), cell: (u) => (u.last_login_at ? ago(u.last_login_at) : '–') },
    { title: t('Active'), cell: (u) => (u.id === user.id ? t('You') : el('button', { type: 'button', class: 'button small',
      onclick: () => change(u, { is_active: !u.is_active }) }, u.is_active ? t('Deactivate') : t('Activate'))) },
  ], items, (u) => ({ class: u.is_active ? 'row' : 'row off' })),
  page.next ? el('nav', { class: 'pager', 'aria-label': t('Pages') }, el('button', { type: 'button', class: 'button', onclick: () => go('users', { ...query, cursor: page.next }) }, t('Next'), icon('next'))) : null,
  ].filter(Boolean);
}

async function add(api, load) {
  const answer = await ask(t('New user'), [
    field(t('User name'), input('username', { required: true, autocomplete: 'off' })),
    field(t('Full name'), input('full_name', { autocomplete: 'off' })),
    field(t('E-mail'), input('email', { type: 'email', required: true, autocomplete: 'off' })),
    field(t('First password'), input('password', { type: 'password', required: true, minlength: 10, autocomplete: 'new-password' }), { hint: t('At least 10 characters') }),
    field(t('Role'), select('role', ROLES.map((r) => [r, word(r)]), { value: 'technician' })),
  ], t('Create'));
  if (!answer) return;
  await attempt(() => api.post('/api/auth/users', answer), t('User created.'));
  load();
}
