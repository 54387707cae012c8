// The dashboard's entry: who is signed in, how the API is asked, which page is
// shown, and the frame around it.
//
// The access token lives in this module's memory only; the refresh token and the
// user live in sessionStorage, so a reload keeps the session and a closed tab ends it.
// A page is a module with `show(context)` that returns its element; it asks the API
// through `context.api` and never touches tokens.

import { ask, el, field, icon, input, inWords, locale, submitting, t, toast, trouble, useLocale, word } from './kit.js';

// -------------------------------------------------------------- the session

let accessToken = null;
let expiresAt = 0;
let refreshing = null;
const tabs = 'BroadcastChannel' in window ? new BroadcastChannel('aiff-session') : null;

const stored = () => JSON.parse(sessionStorage.getItem('session') ?? 'null');
const signedIn = () => stored() !== null;

function keep(pair) {
  const before = stored();
  accessToken = pair.access_token;
  expiresAt = Date.now() + (pair.expires_in ?? 900) * 1000;
  sessionStorage.setItem('session', JSON.stringify({
    refresh_token: pair.refresh_token ?? before?.refresh_token,
    user: pair.user ?? before?.user,
  }));
  if (stored().user?.role !== before?.user?.role) shell = null; // another role sees another menu
}

function forget() {
  accessToken = null;
  sessionStorage.removeItem('session');
}

// A duplicated tab starts with the same refresh token: tabs of one session hand on
// each new pair, so that none of them presents a used one (which would end them all).
tabs?.addEventListener('message', ({ data }) => {
  if (data.used && data.used === stored()?.refresh_token) keep(data.pair);
});

const oneTabAtATime = (work) =>
  navigator.locks ? navigator.locks.request('aiff-refresh', work) : work();

function refresh() {
  const mine = stored()?.refresh_token;
  refreshing ??= oneTabAtATime(async () => {
    const used = stored()?.refresh_token;
    if (!used) throw new Problem({ status: 401 });
    if (used !== mine && accessToken) return;
    const pair = await send('POST', '/api/auth/refresh', { body: { refresh_token: used }, anonymous: true });
    keep(pair.data);
    tabs?.postMessage({ used, pair: pair.data });
  }).catch((problem) => {
    if (problem.status === 401) forget();
    throw problem;
  }).finally(() => { refreshing = null; });
  return refreshing;
}

// ------------------------------------------------------------------ the API

/** A problem+json answer (or none at all: status 0) as an exception. */
class Problem extends Error {
  constructor(fields) {
    super(fields.title ?? `status ${fields.status}`);
    Object.assign(this, fields);
  }
}

const pause = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });

function idempotencyKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
}

async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const retry = Number(response.headers.get('Retry-After')) || undefined;
  return new Problem({ ...body, status: response.status, retry_after: retry });
}

async function send(method, path, { body, query, signal, etag, anonymous, form, key, binary } = {}) {
  const headers = { Accept: 'application/json' };
  if (accessToken && !anonymous) headers.Authorization = `Bearer ${accessToken}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (key) headers['Idempotency-Key'] = key;
  if (etag) headers['If-Match'] = etag;
  const search = new URLSearchParams(query ?? {}).toString();
  const response = await fetch(search ? `${path}?${search}` : path, {
    method, headers, signal, cache: 'no-store', credentials: 'same-origin',
    body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
  }).catch((failure) => {
    if (failure.name === 'AbortError') throw failure;
    throw new Problem({ status: 0 });
  });
  if (!response.ok) throw await problemOf(response);
  if (binary) return { data: await response.blob() };
  const text = response.status === 204 ? '' : await response.text();
  return { data: text ? JSON.parse(text) : null, etag: response.headers.get('ETag') };
}

/** One call with a live token; a lost service is asked once more, a write under the same key. */
async function call(method, path, options = {}) {
  const settled = { ...options, key: method === 'POST' ? idempotencyKey() : undefined };
  if (!accessToken || Date.now() > expiresAt - 20000) await refresh().catch(leaveWhenOver);
  try {
    return await send(method, path, settled);
  } catch (problem) {
    if (problem.status === 401) {
      await refresh().catch(leaveWhenOver);
    } else if ([502, 503, 504].includes(problem.status) && ['GET', 'POST'].includes(method)) {
      await pause(Math.min(problem.retry_after ?? 1, 3));
    } else {
      throw problem;
    }
    return send(method, path, settled);
  }
}

function leaveWhenOver(problem) {
  if (problem.status === 401 && shell) {
    forget();
    toast(inWords({ status: 401 }), 'bad');
    route();
  }
  throw problem;
}

const data = (answer) => answer.data;

const api = (signal) => ({
  get: (path, query) => call('GET', path, { query, signal }).then(data),
  whole: (path, query) => call('GET', path, { query, signal }),
  post: (path, body, query) => call('POST', path, { body: body ?? {}, query }).then(data),
  file: (path) => call('GET', path, { signal, binary: true }).then(data),
  upload: (path, form) => call('POST', path, { form }).then(data),
  patch: (path, body, etag) => call('PATCH', path, { body, etag }).then(data),
  remove: (path, query) => call('DELETE', path, { query }).then(data),
});

// ----------------------------------------------------------------- the pages

const STAFF = ['admin', 'manager', 'dispatcher', 'technician', 'viewer'];
const PAGES = [
  { path: '', module: 'overview', title: 'Overview', icon: 'overview', nav: true },
  { path: 'tickets', module: 'tickets', title: 'Tickets', icon: 'tickets', nav: true },
  { path: 'tickets/new', module: 'create', title: 'New ticket', icon: 'plus', nav: true, not: ['viewer'] },
  { path: 'tickets/:id', module: 'ticket', title: 'Ticket', under: 'tickets' },
  { path: 'analytics', module: 'analytics', title: 'Analytics', icon: 'analytics', nav: true, only: STAFF },
  { path: 'inbox', module: 'inbox', title: 'Inbox', icon: 'inbox', nav: true },
  { path: 'users', module: 'users', title: 'Users', icon: 'users', nav: true, only: ['admin'] },
  { path: 'profile', module: 'profile', title: 'My profile', icon: 'person', nav: true },
];

const mayOpen = (page, role) => (!page.only || page.only.includes(role)) && !page.not?.includes(role);

function found(path) {
  const parts = path.split('/');
  for (const page of PAGES) {
    const wanted = page.path.split('/');
    if (wanted.length !== parts.length) continue;
    if (wanted.every((w, i) => w.startsWith(':') || w === parts[i])) {
      return { page, id: parts[wanted.findIndex((w) => w.startsWith(':'))] };
    }
  }
  return null;
}

function here() {
  const [path, search] = location.hash.replace(/^#\/?/, '').split('?');
  return { path: decodeURIComponent(path).replace(/\/$/, ''), query: Object.fromEntries(new URLSearchParams(search ?? '')) };
}

const go = (path, query) => {
  const search = new URLSearchParams(query ?? {}).toString();
  location.hash = `#/${path}${search ? `?${search}` : ''}`;
};

let leaving = new AbortController();
let shownPath = null;

async function route() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { path, query } = here();
  if (path in AT_THE_DOOR) return showAtTheDoor(path, query);
  if (!signedIn()) return showLogin();
  const target = found(path);
  const { user } = stored();
  const main = frame(user, target?.page);
  const moved = shownPath !== path;
  shownPath = path;
  if (!target || !mayOpen(target.page, user.role)) {
    main.replaceChildren(trouble({ status: target ? 403 : 404 }));
    settled(main, location.hash);
    return null;
  }
  document.title = `${t(target.page.title)} · AIFF`;
  main.setAttribute('aria-busy', 'true');
  try {
    const module = await import(`./pages/${target.page.module}.js`);
    const page = await module.show({ api: api(signal), id: target.id, query, user, go, signal, changeUser });
    if (signal.aborted) return null;
    main.replaceChildren(page);
    settled(main, location.hash);
    if (moved) arrive(main);
  } catch (problem) {
    if (!signal.aborted && signedIn()) {
      main.replaceChildren(trouble(problem, route));
      settled(main, location.hash);
    }
    if (problem.status === undefined && problem.name !== 'AbortError') throw problem;
  }
  return null;
}

/** Says to assistive programs (and tests) which page is shown now. */
function settled(main, hash) {
  main.removeAttribute('aria-busy');
  document.documentElement.dataset.shown = hash;
}

function arrive(main) {
  const heading = main.querySelector('h1');
  window.scrollTo(0, 0);
  heading?.setAttribute('tabindex', '-1');
  heading?.focus({ preventScroll: true });
}

async function changeUser(user) {
  sessionStorage.setItem('session', JSON.stringify({ ...stored(), user }));
  await speak(user.locale);
}

// ----------------------------------------------------------------- the frame

let shell = null;

function frame(user, page) {
  if (!shell) {
    shell = { main: el('main', { id: 'main', tabindex: '-1' }), links: links(user) };
    shell.nav = el('nav', { id: 'nav', 'aria-label': t('Main') }, shell.links);
    document.getElementById('app').replaceChildren(topBar(user), el('div', { class: 'columns' }, shell.nav, shell.main));
  }
  const current = page?.under ?? page?.path;
  for (const link of shell.links) {
    if (link.dataset.path === current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  closeMenu();
  return shell.main;
}

const links = (user) => PAGES.filter((page) => page.nav && mayOpen(page, user.role)).map((page) =>
  el('a', { href: `#/${page.path}`, 'data-path': page.path }, icon(page.icon), el('span', {}, t(page.title))));

function topBar(user) {
  const menu = el('button', { type: 'button', class: 'plain menu', 'aria-expanded': 'false', 'aria-controls': 'nav',
    'aria-label': t('Menu'), onclick: () => {
      const open = document.body.classList.toggle('menu-open');
      menu.setAttribute('aria-expanded', String(open));
    } }, icon('menu'));
  return el('header', { class: 'top' }, menu,
    el('a', { class: 'brand', href: '#/', 'aria-label': t('AIFF, overview') }, mark(), el('span', {}, el('b', {}, 'AIFF'), el('small', {}, t('Field operations')))),
    el('form', { class: 'quick', role: 'search', onsubmit: quickSearch },
      icon('search'), input('q', { type: 'search', placeholder: t('Number, customer, place …'), 'aria-label': t('Search tickets') })),
    el('div', { class: 'tools' },
      el('button', { type: 'button', class: 'plain', onclick: openAssistant, 'aria-label': t('Assistant'), title: t('Assistant') },
        icon('chat'), el('span', { class: 'wide-only' }, t('Assistant'))),
      languageButton(), themeButton(),
      el('span', { class: 'who wide-only' }, el('b', {}, user.full_name || user.username), el('small', {}, word(user.role))),
      el('button', { type: 'button', class: 'plain', onclick: signOut, 'aria-label': t('Sign out'), title: t('Sign out') }, icon('out'))));
}

function mark() {
  const picture = icon('overview');
  picture.firstChild.setAttribute('d', 'M3 16V7l7-3.5L17 7v9M10 3.5v6M3 16h14M7 16v-4h6v4');
  return el('span', { class: 'mark' }, picture);
}

function closeMenu() {
  document.body.classList.remove('menu-open');
  document.querySelector('.menu')?.setAttribute('aria-expanded', 'false');
}

function quickSearch(event) {
  event.preventDefault();
  const q = event.target.elements.q.value.trim();
  if (/^(ctt[_ -]?)?\d+$/i.test(q)) go(`tickets/CTT_${q.replace(/\D/g, '')}`);
  else go('tickets', q ? { q } : {});
}

async function openAssistant() {
  const { toggle } = await import('./pages/assistant.js');
  toggle({ api: api(), go });
}

async function signOut() {
  await call('POST', '/api/auth/logout', { body: {} }).catch((problem) => {
    if (problem.status !== 401) toast(inWords(problem), 'bad');
  });
  forget();
  location.hash = '#/';
  route();
}

// ------------------------------------------------------- language and theme

const THEMES = ['auto', 'light', 'dark'];
const THEME_ICON = { auto: 'auto', light: 'sun', dark: 'moon' };
const THEME_WORD = { auto: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' };

function themeButton() {
  const current = localStorage.getItem('theme') ?? 'auto';
  const label = t(THEME_WORD[current]);
  return el('button', { type: 'button', class: 'plain theme', 'aria-label': label, title: label, onclick: (event) => {
    localStorage.setItem('theme', THEMES[(THEMES.indexOf(current) + 1) % THEMES.length]);
    wear();
    const next = themeButton();
    event.currentTarget.replaceWith(next);
    next.focus();
  } }, icon(THEME_ICON[current]));
}

const wear = () => { document.documentElement.dataset.theme = localStorage.getItem('theme') ?? 'auto'; };

function languageButton() {
  const other = locale === 'en' ? 'ms' : 'en';
  const label = other === 'ms' ? 'Tukar ke Bahasa Malaysia' : 'Switch to English';
  return el('button', { type: 'button', class: 'plain language', lang: other, 'aria-label': label, title: label,
    onclick: () => switchTo(other) }, other === 'ms' ? 'BM' : 'EN');
}

async function speak(wanted) {
  localStorage.setItem('locale', wanted);
  await useLocale(wanted);
  shell = null;
  document.querySelector('.assistant')?.remove();
}

async function switchTo(wanted) {
  await speak(wanted);
  await route();
  document.querySelector('.language')?.focus();
  if (!signedIn()) return;
  const user = await api().patch('/api/auth/me', { locale: wanted }).catch(() => null);
  if (user) sessionStorage.setItem('session', JSON.stringify({ ...stored(), user }));
}

// ------------------------------------------------------------------ signing in

// Pages of pages/door.js, for people who are not signed in.
const AT_THE_DOOR = { 'forgot-password': 'askReset', 'reset-password': 'resetPassword', register: 'register' };

async function showAtTheDoor(path, query) {
  shell = null;
  shownPath = null;
  const door = await import('./pages/door.js');
  const post = (to, body) => send('POST', to, { body, anonymous: true });
  const main = el('main', { id: 'main', class: 'login', tabindex: '-1' }, door[AT_THE_DOOR[path]]({ post, query }));
  document.getElementById('app').replaceChildren(main);
  arrive(main);
}

function showLogin() {
  shell = null;
  shownPath = null;
  document.title = `${t('Sign in')} · AIFF`;
  const form = el('form', { class: 'card', onsubmit: (event) => {
    event.preventDefault();
    submitting(form, (values) => signIn(form, values));
  } },
  el('div', { class: 'brand' }, mark(), el('span', {}, el('b', {}, 'AIFF'), el('small', {}, t('Field operations')))),
  el('h1', {}, t('Sign in')),
  field(t('User name or e-mail'), input('username', { required: true, autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false' })),
  field(t('Password'), input('password', { type: 'password', required: true, autocomplete: 'current-password' })),
  el('div', { class: 'second' }), el('div', { class: 'message' }),
  el('button', { type: 'submit', class: 'button primary' }, t('Sign in')),
  el('p', { class: 'doors small' }, el('a', { href: '#/forgot-password' }, t('Forgotten password')), el('a', { href: '#/register' }, t('Open an account'))),
  el('div', { class: 'login-tools' }, languageButton(), themeButton()));
  document.getElementById('app').replaceChildren(el('main', { id: 'main', class: 'login', tabindex: '-1' }, form));
  form.elements.username.focus();
}

async function signIn(form, values) {
  const { code, ...body } = values;
  if (code) body[/^\d{6}$/.test(code) ? 'otp' : 'recovery_code'] = code;
  let answer;
  try {
    answer = await send('POST', '/api/auth/login', { body, anonymous: true });
  } catch (problem) {
    if (problem.code?.startsWith('second_factor_')) return askCode(form, problem.setup);
    throw problem;
  }
  keep(answer.data);
  if (answer.data.recovery_codes) await showRecoveryCodes(answer.data.recovery_codes);
  const { user } = stored();
  if (user.locale && user.locale !== locale && !localStorage.getItem('locale')) await speak(user.locale);
  return route();
}

function askCode(form, setup) {
  const code = input('code', { required: true, autocomplete: 'one-time-code', maxlength: 40 });
  form.querySelector('.second').replaceChildren(...[
    setup ? el('p', {}, t('Your role needs a second factor. Scan this picture with an authenticator app:')) : null,
    setup ? el('img', { class: 'qr', alt: t('QR code'), src: `data:image/svg+xml,${encodeURIComponent(setup.qr_svg)}` }) : null,
    setup ? el('p', { class: 'small' }, t('or type this key:'), ' ', el('code', {}, setup.secret)) : null,
    field(t('Code from your authenticator app'), code, { hint: t('Six digits, or one of your recovery codes') }),
  ].filter(Boolean));
  code.focus();
}

const showRecoveryCodes = (codes) => ask(t('Keep these recovery codes'),
  [el('p', {}, t('Each works once in place of a code. They are not shown again.')), el('pre', {}, codes.join('\n'))], t('I have kept them'));

// ---------------------------------------------------------------------- start

/** A path typed or linked as `/tickets/42` is the same place as `#/tickets/42`. */
function settleAddress() {
  const { pathname, search, hash } = location;
  if (pathname !== '/' && !pathname.endsWith('.html')) history.replaceState(null, '', `/#${pathname}${search}`);
  else if (!hash) history.replaceState(null, '', '/#/');
}

async function start() {
  settleAddress();
  wear();
  const preferred = localStorage.getItem('locale') ?? stored()?.user?.locale ?? (navigator.language.startsWith('ms') ? 'ms' : 'en');
  await useLocale(preferred);
  window.addEventListener('hashchange', route);
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    document.getElementById('main').focus();
  });
  await route();
}

start();
