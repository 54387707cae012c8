// What every page is built from: elements, words in two languages, figures and
// dates as text, and the small components (badges, panels, fields, messages).
//
// Refuses: HTML strings. Data becomes text nodes and attributes only, so that
// whatever is stored in a ticket is shown as it was typed.

// ---------------------------------------------------------------- elements

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value') node.value = value;
    else if (name === 'checked' || name === 'selected') node[name] = true;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

export const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// 20 x 20 line pictures: one path each.
const ICONS = {
  overview: 'M3 3h6v8H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 13h6v4H3z',
  tickets: 'M4 3h12v14H4zM7 7h6M7 10h6M7 13h4',
  plus: 'M10 4v12M4 10h12',
  analytics: 'M3 17V3M3 17h14M6 13l3-4 3 2 4-6',
  users: 'M7 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 17c0-3 2-5 5-5s5 2 5 5M13 4a3 3 0 0 1 0 5M14 12c2.5.5 4 2.5 4 5',
  person: 'M10 9a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 18c0-4 3-6 7-6s7 2 7 6',
  chat: 'M3 4h14v9H9l-4 4v-4H3z',
  out: 'M8 3H3v14h5M12 6l4 4-4 4M16 10H7',
  clock: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6v4l3 2',
  pause: 'M7 4v12M13 4v12',
  check: 'M4 10l4 4 8-9',
  cross: 'M5 5l10 10M15 5L5 15',
  warn: 'M10 3l8 14H2zM10 8v4M10 14v1',
  urgent: 'M5 11l5-5 5 5M5 16l5-5 5 5',
  high: 'M5 12l5-5 5 5',
  medium: 'M4 10h12',
  low: 'M5 8l5 5 5-5',
  search: 'M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4zM13 13l4 4',
  sun: 'M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM10 2v2M10 16v2M2 10h2M16 10h2M4.5 4.5l1.4 1.4M14.1 14.1l1.4 1.4M4.5 15.5l1.4-1.4M14.1 5.9l1.4-1.4',
  moon: 'M15 12A6.5 6.5 0 0 1 8 3a7 7 0 1 0 7 9z',
  auto: 'M3 4h14v10H3zM7 17h6M10 14v3',
  next: 'M7 4l6 6-6 6',
  previous: 'M13 4l-6 6 6 6',
  inbox: 'M3 11l3-7h8l3 7v5H3zM3 11h4l1 2h4l1-2h4',
  menu: 'M3 5h14M3 10h14M3 15h14',
  send: 'M3 10l14-7-5 14-3-6z',
  place: 'M10 18s6-6 6-10a6 6 0 0 0-12 0c0 4 6 10 6 10zM10 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  van: 'M2 5h9v9H2zM11 8h4l3 3v3h-7M6 16a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM14 16a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z',
};

export function icon(name) {
  return svg('svg', { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true' },
    svg('path', { d: ICONS[name] ?? ICONS.medium }));
}

// ------------------------------------------------------------------- words

let dictionary = {};
export let locale = 'en';

/** English is the key; another language is a table from English (ms.js). */
export function t(english, values = {}) {
  const text = dictionary[english] ?? english;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export async function useLocale(wanted) {
  locale = wanted === 'ms' ? 'ms' : 'en';
  dictionary = locale === 'ms' ? (await import('./ms.js')).default : {};
  document.documentElement.lang = locale;
  document.querySelector('.skip').textContent = t('Skip to content');
}

const SPELLED = { en_route: 'On the way', sla: 'SLA', fdp_breakdown: 'FDP breakdown', customer_cpe: 'Customer CPE' };

/** A stored word (`in_progress`) as people read it, translated. */
export function word(code) {
  if (code === null || code === undefined || code === '') return '–';
  const text = SPELLED[code] ?? String(code).replaceAll('_', ' ').replace(/^./, (c) => c.toUpperCase()).replace(/^Sla\b/, 'SLA');
  return t(text);
}

// ----------------------------------------------------------------- figures

const tag = () => (locale === 'ms' ? 'ms-MY' : 'en-GB');

export const count = (n) => (n === null || n === undefined ? '–' : new Intl.NumberFormat(tag()).format(n));

export const decimal = (n, digits = 1) =>
  n === null || n === undefined ? '–'
    : new Intl.NumberFormat(tag(), { maximumFractionDigits: digits }).format(n);

export const percent = (ratio, digits = 0) =>
  ratio === null || ratio === undefined ? '–'
    : new Intl.NumberFormat(tag(), { style: 'percent', maximumFractionDigits: digits }).format(ratio);

/** Minutes as the two largest units: `3 d 4 h`, `2 h 05 min`, `12 min`. */
export function duration(minutes) {
  if (minutes === null || minutes === undefined) return '–';
  const whole = Math.round(Math.abs(minutes));
  const days = Math.floor(whole / 1440);
  const hours = Math.floor((whole % 1440) / 60);
  const rest = whole % 60;
  if (days) return hours ? t('{d} d {h} h', { d: count(days), h: hours }) : t('{d} d', { d: count(days) });
  if (hours) return rest ? t('{h} h {m} min', { h: hours, m: rest }) : t('{h} h', { h: hours });
  return t('{m} min', { m: rest });
}

const format = (value, options) => new Intl.DateTimeFormat(tag(), options).format(new Date(value));

export const instant = (at) =>
  at ? format(at, { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' }) : '–';

/** Without the year while it is this one: a ticket of another must not look new. */
export const shortInstant = (at) =>
  at && new Date(at).getFullYear() === new Date().getFullYear()
    ? format(at, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }) : instant(at);

/** The date some days ago, where the reader is, as the API writes dates. */
export function dayAgo(days) {
  const day = new Date();
  day.setDate(day.getDate() - days);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((n) => String(n).padStart(2, '0')).join('-');
}

/** A calendar date (`2026-11-23`), which has no zone to convert. */
export const date = (on, options = { day: 'numeric', month: 'short' }) =>
  on ? format(`${String(on).slice(0, 10)}T00:00:00Z`, { ...options, timeZone: 'UTC' }) : '–';

export function ago(at) {
  const minutes = (Date.now() - new Date(at)) / 60000;
  if (minutes < 1) return t('just now');
  return t('{time} ago', { time: duration(minutes).split(' ').slice(0, 2).join(' ') });
}

export const timeOf = (at, text = shortInstant(at)) =>
  at ? el('time', { datetime: at, title: instant(at) }, text) : '–';

// -------------------------------------------------------------- components

export const badge = (status) => el('span', { class: `badge is-${status}` }, word(status));

export const priorityMark = (priority) =>
  el('span', { class: `priority is-${priority}` }, icon(priority), word(priority));

const SLA_ICON = { ok: 'clock', at_risk: 'warn', breached: 'warn', paused: 'pause', met: 'check', missed: 'cross' };

/** What the clock says, in words: `2 h 10 min left`, `Overdue 3 h`, `Paused`. */
export function slaText(state, dueAt, remainingSeconds) {
  const left = dueAt ? (new Date(dueAt) - Date.now()) / 60000 : null;
  if (state === 'breached') return left === null ? t('Overdue') : t('Overdue {time}', { time: duration(left) });
  if (state === 'ok' || state === 'at_risk') {
    return left === null ? word(state) : t('{time} left', { time: duration(Math.max(left, 0)) });
  }
  if (state === 'paused' && remainingSeconds > 0) {
    return t('Paused, {time} left', { time: duration(remainingSeconds / 60) });
  }
  return state === 'none' ? t('No promise') : word(state);
}

export function slaBadge(sla) {
  const state = sla?.state ?? 'none';
  if (state === 'none') return el('span', { class: 'muted' }, '–');
  const clock = sla.resolution ?? sla;
  const text = el('span', { 'data-sla': state, 'data-due': clock.due_at }, slaText(state, clock.due_at, clock.remaining_seconds));
  return el('span', { class: `sla is-${state}`, title: clock.due_at ? `${t('Due')} ${instant(clock.due_at)}` : null },
    icon(SLA_ICON[state] ?? 'clock'), text);
}

setInterval(() => {
  for (const node of document.querySelectorAll('[data-due]')) {
    node.textContent = slaText(node.dataset.sla, node.dataset.due);
  }
}, 30000);

export function panel(title, { note, actions, id } = {}, ...body) {
  const heading = el('h2', { id }, title);
  return el('section', { class: 'panel', 'aria-label': title },
    el('header', {}, el('div', {}, heading, note ? el('p', { class: 'muted' }, note) : null), actions ? el('div', { class: 'actions' }, actions) : null),
    ...body.filter(Boolean));
}

/** Makes a list that scrolls by itself reachable with the keyboard. */
export function scrolling(label, node) {
  for (const [name, value] of [['tabindex', '0'], ['role', 'region'], ['aria-label', label]]) node.setAttribute(name, value);
  return node;
}

export const empty = (text, ...more) => el('div', { class: 'empty' }, el('p', {}, text), ...more);

const skeleton = (lines) =>
  el('div', { class: 'skeleton', role: 'status', 'aria-label': t('Loading') },
    Array.from({ length: lines }, () => el('span')));

/** Fills `node` with what `load` brings: first a placeholder, then content or the reason why not. */
export async function loadInto(node, load, render, { lines = 4 } = {}) {
  node.setAttribute('aria-busy', 'true');
  node.replaceChildren(skeleton(lines));
  try {
    const answer = await load();
    node.replaceChildren(...[await render(answer)].flat());
  } catch (problem) {
    if (problem.name === 'AbortError') return;
    node.replaceChildren(trouble(problem, () => loadInto(node, load, render, { lines })));
  } finally {
    node.removeAttribute('aria-busy');
  }
}

/** Loads once `node` comes into view: what is below the fold costs nothing until looked at.
    The node keeps its place meanwhile (class `lazy`), or the foot of a page could never be reached. */
export function whenSeen(node, load) {
  node.classList.add('lazy');
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    Promise.resolve(load()).finally(() => node.classList.remove('lazy'));
  }, { rootMargin: '0px 0px -120px 0px' });
  watcher.observe(node);
}

export const trouble = (problem, retry) =>
  el('div', { class: 'trouble', role: 'alert' }, icon('warn'),
    el('div', {}, el('p', {}, inWords(problem)),
      problem.request_id ? el('p', { class: 'muted small' }, t('Request {id}', { id: problem.request_id })) : null,
      retry ? el('button', { class: 'button', type: 'button', onclick: retry }, t('Try again')) : null));

const BY_STATUS = {
  0: 'No connection to the server.',
  401: 'Your session has ended. Please sign in again.',
  403: 'Your role may not do this.',
  404: 'Not found, or not visible to you.',
  409: 'This is no longer possible: the state has changed.',
  412: 'Somebody changed this in the meantime. It was loaded again: please check and repeat.',
  413: 'This is too large to send.',
  422: 'Some of the values are not valid.',
  502: 'This service is not reachable at the moment. Please try again shortly.',
  503: 'This service is not available at the moment. Please try again shortly.',
  504: 'The answer took too long. Please try again.',
};

/** A problem of the API as a sentence for the person at the screen. */
export function inWords(problem) {
  if (problem.code === 'invalid_credentials') return t('User name or password is wrong.');
  if (problem.code === 'account_locked') {
    return t('Too many failed attempts. Try again in {time}.', { time: duration(Math.ceil((problem.retry_after ?? 60) / 60)) });
  }
  if (problem.code === 'not_enough_history') return t('Too little history for a forecast yet: 14 days with tickets are needed.');
  if (problem.status === 429) {
    return t('Too many requests. Try again in {n} seconds.', { n: problem.retry_after ?? 10 });
  }
  if (problem.code === 'illegal_transition') {
    const allowed = (problem.allowed ?? []).map(word).join(', ');
    return allowed ? t('Not possible in the present state. Possible now: {list}.', { list: allowed })
      : t('Not possible in the present state.');
  }
  const sentence = t(BY_STATUS[problem.status] ?? 'Something went wrong on our side. Please try again.');
  const detail = [409, 403, 422].includes(problem.status) ? problem.detail : null;
  const fields = Object.entries(problem.errors ?? {}).map(([field, why]) => `${word(field)}: ${[why].flat().join(' ')}`);
  return [...new Set([sentence, detail, ...fields].filter(Boolean))].join(' ');
}

export function toast(text, kind = 'good') {
  const note = el('div', { class: `toast is-${kind}` }, text,
    el('button', { type: 'button', class: 'plain', 'aria-label': t('Dismiss'), onclick: () => note.remove() }, icon('cross')));
  document.getElementById('toasts').append(note);
  setTimeout(() => note.remove(), kind === 'good' ? 6000 : 15000);
}

// ------------------------------------------------------------------- forms

let fieldNumber = 0;

/** A labelled control; `problem JSON errors[name]` appears beneath it by `showErrors`. */
export function field(label, control, { hint, wide } = {}) {
  const id = control.id || `f${(fieldNumber += 1)}`;
  control.id = id;
  control.setAttribute('aria-describedby', `${id}-note`);
  return el('div', { class: wide ? 'field wide' : 'field', 'data-field': control.name },
    el('label', { for: id }, label, control.required ? el('span', { class: 'required', 'aria-hidden': 'true' }, ' *') : null),
    control,
    el('p', { class: 'note', id: `${id}-note`, 'data-hint': hint ?? '' }, hint ?? ''));
}

export const input = (name, attributes = {}) => el('input', { name, type: 'text', ...attributes });

export function select(name, options, { value, ...attributes } = {}) {
  const node = el('select', { name, ...attributes },
    options.map(([code, label]) => el('option', { value: code, selected: String(code) === String(value ?? '') }, label)));
  return node;
}

/** Marks each field of `form` that the problem names; returns whether any was found. */
export function showErrors(form, problem) {
  for (const box of form.querySelectorAll('.field.wrong')) {
    box.classList.remove('wrong');
    const note = box.querySelector('.note');
    note.textContent = note.dataset.hint;
    box.querySelector('[aria-invalid]')?.removeAttribute('aria-invalid');
  }
  let first = null;
  for (const [name, why] of Object.entries(problem?.errors ?? {})) {
    const box = form.querySelector(`.field[data-field="${CSS.escape(name)}"]`)
      ?? form.querySelector(`.field[data-field="${CSS.escape(name.split('.')[0])}"]`);
    if (!box) continue;
    box.classList.add('wrong');
    box.querySelector('.note').textContent = [why].flat().map((v) => (typeof v === 'string' ? v : JSON.stringify(v))).join(' ');
    const control = box.querySelector('input, select, textarea');
    control?.setAttribute('aria-invalid', 'true');
    first ??= control;
  }
  first?.focus();
  return first !== null;
}

/** The values of a form; empty ones are left out. */
export const valuesOf = (form) =>
  Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''));

/** Runs `work` while the button is off and shows its trouble in words beneath the form. */
export async function submitting(form, work) {
  const button = form.querySelector('[type=submit]');
  const message = form.querySelector('.message');
  showErrors(form, null);
  message?.replaceChildren();
  button.disabled = true;
  try {
    await work(valuesOf(form));
  } catch (problem) {
    if (!problem.status && problem.status !== 0) throw problem;
    const named = showErrors(form, problem);
    if (message) message.replaceChildren(trouble(named ? { ...problem, errors: undefined } : problem));
    else if (!named) toast(inWords(problem), 'bad');
  } finally {
    button.disabled = false;
  }
}

/** A modal question; resolves to the form's values, or null when it was left. */
export function ask(title, fields, confirm) {
  return new Promise((resolve) => {
    const form = el('form', { method: 'dialog' },
      el('h2', {}, title), ...fields,
      el('div', { class: 'actions' },
        el('button', { type: 'button', class: 'button', onclick: () => box.close() }, t('Back')),
        el('button', { type: 'submit', class: 'button primary' }, confirm)));
    const box = el('dialog', { 'aria-label': title }, form);
    let answer = null;
    form.addEventListener('submit', () => { answer = valuesOf(form); });
    box.addEventListener('close', () => { box.remove(); resolve(answer); });
    document.body.append(box);
    box.showModal();
  });
}

// ----------------------------------------------------------------- records

/** `/api/tickets?status=open` (as the API links its figures) as an address of this dashboard. */
export function hereFor(apiUrl) {
  if (!apiUrl) return null;
  const { pathname, search } = new URL(apiUrl, location.origin);
  return pathname === '/api/tickets' ? `#/tickets${search}` : null;
}

/** A figure of the analytics API is `{value, n, definition, tickets_url}`; a bare number is one too. */
export const figure = (holder, name) => {
  const found = holder?.[name];
  return found !== null && typeof found === 'object' ? found : { value: found ?? null };
};

/** A table whose rows become cards on a narrow screen (each cell carries its heading). */
export function table(caption, columns, rows, rowAttributes = () => ({})) {
  return el('div', { class: 'table-frame' }, el('table', {},
    el('caption', { class: 'hidden' }, caption),
    el('thead', {}, el('tr', {}, columns.map((c) => el('th', { scope: 'col', class: c.class }, c.title)))),
    el('tbody', {}, rows.map((row) => el('tr', rowAttributes(row),
      columns.map((c) => el('td', { class: c.class, 'data-title': typeof c.title === 'string' ? c.title : '' }, c.cell(row))))))));
}
