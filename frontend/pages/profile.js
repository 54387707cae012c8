// The signed-in person's own data: name, language, password, and where they are signed in.

import { ago, el, empty, field, input, inWords, loadInto, panel, select, submitting, t, table, toast, word } from '../kit.js';

export async function show({ api, user, changeUser, go }) {
  const page = el('div', { class: 'page narrow' }, el('h1', {}, t('My profile')));
  const sessions = el('div');
  const me = await api.get('/api/auth/me');
  page.append(account(api, me, changeUser, go), password(api), panel(t('Signed in on'), {}, sessions));
  const load = () => loadInto(sessions, () => api.get('/api/auth/sessions'), (answer) => drawSessions(api, answer.items, load));
  load();
  return page;
}

function account(api, me, changeUser, go) {
  const form = el('form', { class: 'form', onsubmit: (event) => {
    event.preventDefault();
    submitting(form, async (values) => {
      const user = await api.patch('/api/auth/me', values);
      await changeUser(user);
      toast(t('Saved.'));
      go('profile', { saved: Date.now() });
    });
  } },
  field(t('User name'), input('username', { value: me.username, disabled: true }), { hint: word(me.role) }),
  field(t('Full name'), input('full_name', { value: me.full_name ?? '', autocomplete: 'name' })),
  field(t('E-mail'), input('email', { type: 'email', value: me.email, required: true, autocomplete: 'email' })),
  field(t('Language'), select('locale', [['en', 'English'], ['ms', 'Bahasa Malaysia']], { value: me.locale })),
  el('div', { class: 'message wide' }),
  el('div', { class: 'actions wide' }, el('button', { type: 'submit', class: 'button primary' }, t('Save'))));
  return panel(t('Account'), {}, form);
}

function password(api) {
  const form = el('form', { class: 'form', onsubmit: (event) => {
    event.preventDefault();
    submitting(form, async (values) => {
      await api.post('/api/auth/password', values);
      form.reset();
      toast(t('Password changed. Your other sessions were ended.'));
    });
  } },
  field(t('Present password'), input('old_password', { type: 'password', required: true, autocomplete: 'current-password' })),
  field(t('New password'), input('new_password', { type: 'password', required: true, minlength: 10, maxlength: 128, autocomplete: 'new-password' }), { hint: t('At least 10 characters') }),
  el('div', { class: 'message wide' }),
  el('div', { class: 'actions wide' }, el('button', { type: 'submit', class: 'button' }, t('Change password'))));
  return panel(t('Password'), {}, form);
}

function drawSessions(api, items, reload) {
  if (!items.length) return empty(t('No other session.'));
  const end = async (session) => {
    await api.remove(`/api/auth/sessions/${session.id}`).then(() => toast(t('Session ended.')), (problem) => toast(inWords(problem), 'bad'));
    reload();
  };
  const current = (s) => s.current ?? s.is_current;
  return table(t('Signed in on'), [
    { title: t('Device'), class: 'title', cell: (s) => s.device ?? s.user_agent ?? '–' },
    { title: t('Address'), cell: (s) => s.address ?? s.ip ?? '–' },
    { title: t('Last used'), cell: (s) => ago(s.last_used_at ?? s.created_at) },
    { title: '', cell: (s) => (current(s) ? el('span', { class: 'badge' }, t('This one'))
      : el('button', { type: 'button', class: 'button small', onclick: () => end(s) }, t('End'))) },
  ], items);
}
