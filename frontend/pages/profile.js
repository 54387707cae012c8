// The signed-in person's own data: name, language, password, second factor, keys for programs,
// and where they are signed in.

import { ago, ask, el, empty, field, input, inWords, loadInto, panel, select, submitting, t, table, toast, word } from '../kit.js';

export async function show({ api, user, changeUser, go }) {
  const page = el('div', { class: 'page narrow' }, el('h1', {}, t('My profile')));
  const sessions = el('div');
  const me = await api.get('/api/auth/me');
  const factor = el('div');
  page.append(account(api, me, changeUser, go), password(api), panel(t('Second factor'), { note: t('A code from your phone besides the password') }, factor),
    keysPanel(api), panel(t('Signed in on'), {}, sessions));
  const loadFactor = () => loadInto(factor, () => api.get('/api/auth/second-factor'), (state) => drawFactor(api, state, loadFactor), { lines: 2 });
  loadFactor();
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

function drawFactor(api, state, reload) {
  const run = (work) => async () => {
    await work(api).catch((problem) => toast(inWords(problem), 'bad'));
    reload();
  };
  if (!state.enabled) {
    return [el('p', {}, t('Not switched on.')), el('div', { class: 'actions' },
      el('button', { type: 'button', class: 'button', onclick: run(switchOn) }, t('Switch on')))];
  }
  return [el('p', {}, t('Switched on. Recovery codes left: {n}', { n: state.recovery_codes_left })), el('div', { class: 'actions' },
    el('button', { type: 'button', class: 'button', onclick: run(renewCodes) }, t('New recovery codes')),
    state.required ? null : el('button', { type: 'button', class: 'button', onclick: run(switchOff) }, t('Switch off')))];
}

const passwordField = () => field(t('Present password'), input('password', { type: 'password', required: true, autocomplete: 'current-password' }));

async function switchOn(api) {
  const known = await ask(t('Switch on'), [passwordField()], t('Next'));
  if (!known) return;
  const setup = await api.post('/api/auth/second-factor', known);
  const code = await ask(t('Scan this picture with an authenticator app'), [
    el('img', { class: 'qr', alt: t('QR code'), src: `data:image/svg+xml,${encodeURIComponent(setup.qr_svg)}` }),
    el('p', {}, t('or type this key:'), ' ', el('code', {}, setup.secret)),
    field(t('Code from your authenticator app'), input('code', { required: true, inputmode: 'numeric', autocomplete: 'one-time-code' })),
  ], t('Switch on'));
  if (code) await showCodes(await api.post('/api/auth/second-factor/confirm', code));
}

async function renewCodes(api) {
  const known = await ask(t('New recovery codes'), [passwordField()], t('Next'));
  if (known) await showCodes(await api.post('/api/auth/second-factor/recovery-codes', known));
}

async function switchOff(api) {
  const known = await ask(t('Switch off'), [passwordField()], t('Switch off'));
  if (known) await api.post('/api/auth/second-factor/remove', known);
}

const showCodes = ({ recovery_codes: codes }) => ask(t('Keep these recovery codes'),
  [el('p', {}, t('Each works once in place of a code. They are not shown again.')), el('pre', {}, codes.join('\n'))], t('I have kept them'));

const SCOPES = {
  read: ['tickets:read', 'analytics:read'],
  write: ['tickets:read', 'tickets:write', 'analytics:read', 'ai:use'],
};

function keysPanel(api) {
  const body = el('div');
  const load = () => loadInto(body, () => api.get('/api/auth/api-keys'), ({ items }) => drawKeys(api, items, load), { lines: 2 });
  load();
  const add = el('button', { type: 'button', class: 'button', onclick: async () => {
    await newKey(api).catch((problem) => toast(inWords(problem), 'bad'));
    load();
  } }, t('New key'));
  return panel(t('API keys'), { note: t('For programs that work in your name'), actions: add }, body);
}

function drawKeys(api, items, reload) {
  if (!items.length) return empty(t('No keys.'));
  const remove = async (key) => {
    await api.remove(`/api/auth/api-keys/${key.id}`).then(() => toast(t('Key removed.')), (problem) => toast(inWords(problem), 'bad'));
    reload();
  };
  return table(t('API keys'), [
    { title: t('Name'), class: 'title', cell: (k) => [k.label, el('small', { class: 'muted' }, `${k.prefix}…`)] },
    { title: t('May'), cell: (k) => k.scopes.join(', ') },
    { title: t('Last used'), cell: (k) => (k.last_used_at ? ago(k.last_used_at) : '–') },
    { title: t('Actions'), class: 'bare', cell: (k) => el('button', { type: 'button', class: 'button small', onclick: () => remove(k) }, t('Remove')) },
  ], items);
}

async function newKey(api) {
  const answer = await ask(t('New key'), [
    field(t('Name'), input('label', { required: true, maxlength: 100 })),
    field(t('May'), select('may', [['read', t('Read')], ['write', t('Read, write and ask the assistant')]])),
  ], t('Create'));
  if (!answer) return;
  const made = await api.post('/api/auth/api-keys', { label: answer.label, scopes: SCOPES[answer.may] });
  await ask(t('Your new key'), [el('p', {}, t('It is shown this once and never again.')), el('pre', {}, made.key)], t('I have kept it'));
}

const first = (text, names) => names.find(([pattern]) => pattern.test(text))?.[1];

/** `Chrome on Linux`, from what the browser says of itself; what is not known stays as it is. */
function deviceName(agent) {
  const browser = first(agent, [[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari']]);
  const system = first(agent, [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS/, 'macOS'], [/Linux/, 'Linux']]);
  return browser && system ? el('span', { title: agent }, t('{browser} on {system}', { browser, system })) : agent || '–';
}

function drawSessions(api, items, reload) {
  if (!items.length) return empty(t('No other session.'));
  const end = async (session) => {
    await api.remove(`/api/auth/sessions/${session.id}`).then(() => toast(t('Session ended.')), (problem) => toast(inWords(problem), 'bad'));
    reload();
  };
  return table(t('Signed in on'), [
    { title: t('Device'), class: 'title', cell: (s) => deviceName(s.device) },
    { title: t('Address'), cell: (s) => s.address ?? '–' },
    { title: t('Last used'), cell: (s) => ago(s.last_used_at) },
    { title: t('Actions'), class: 'bare', cell: (s) => (s.is_current ? el('span', { class: 'badge' }, t('This one'))
      : el('button', { type: 'button', class: 'button small', onclick: () => end(s) }, t('End'))) },
  ], items);
}
