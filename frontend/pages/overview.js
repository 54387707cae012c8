// The first page: how the work stands now, where it is going, and what needs a look.
//
// Every figure is the API's own; a tile leads to the tickets that it counts.

import { bars, lineChart, MAPPED, onTheMap, parts, showMetric, tileMap } from '../charts.js';
import { ago, count, dayAgo, el, empty, figure, hereFor, icon, loadInto, panel, percent, scrolling, t, timeOf, whenSeen, word } from '../kit.js';

const UNFINISHED = ['open', 'in_progress', 'on_hold'];
const PRIORITIES = ['urgent', 'high', 'medium', 'low'];
const HISTORY_DAYS = 42;
const REFRESH_MS = 60_000;

export async function show({ api, user, signal }) {
  const page = el('div', { class: 'page overview' }, el('h1', {}, t('Overview')));
  const [now, today, status] = [el('div'), el('div'), el('div')];
  const work = api.get('/api/tickets/stats/summary', { status: UNFINISHED.join(',') });
  loadInto(now, () => work, drawNow, { lines: 2 });
  loadInto(status, () => work, drawStatus);
  page.append(el('div', { class: 'tiles' }, now, today));
  keepFresh(signal, async () => {
    const fresh = await api.get('/api/tickets/stats/summary', { status: UNFINISHED.join(',') });
    now.replaceChildren(...drawNow(fresh));
    status.replaceChildren(...drawStatus(fresh));
  });
  if (user.role === 'requester') {
    page.append(panel(t('Unfinished work'), {}, status));
    return page;
  }
  const [map, trend, insights, performance] = [el('div'), el('div', { class: 'tall' }), el('div', { class: 'tall' }), el('div')];
  const course = loadCourse(api, user.role !== 'technician');
  loadInto(today, () => course, drawToday, { lines: 2 });
  loadInto(trend, () => course, drawTrend, { lines: 8 });
  loadInto(insights, () => api.get('/api/ai/insights'), drawInsights, { lines: 6 });
  loadInto(map, () => work, drawMap);
  page.append(
    el('div', { class: 'grid two-one' },
      panel(t('Created and completed'), { note: t('Per day, with the forecast of what will come in') }, trend),
      panel(t('Needs a look'), { note: t('Found in the data, each with its evidence') }, insights)),
    el('div', { class: 'grid one-two' },
      panel(t('Unfinished work'), { note: t('Tickets open, in progress or on hold') }, status),
      panel(t('Unfinished work by zone'), {}, map)),
    panel(t('The last 30 days'), { note: t('Against the 30 days before') }, performance));
  whenSeen(performance, () => loadInto(performance,
    () => api.get('/api/analytics/performance', { compare: 'previous' }), drawPerformance));
  return page;
}

/** Asks again every minute while the page is open, in sight, and nobody is in the middle of it. */
function keepFresh(signal, work) {
  const timer = setInterval(() => {
    const busy = document.hidden || document.getElementById('main').contains(document.activeElement.closest('a, button, summary, svg'));
    if (!busy) work().catch(() => {}); // the next minute tries again
  }, REFRESH_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
}

const tile = (label, value, { href, kind, note } = {}) =>
  el(href ? 'a' : 'div', { class: `tile is-${kind ?? 'plain'}`, href },
    el('span', { class: 'label' }, label), el('b', { class: 'figure' }, value), note ? el('small', {}, note) : null);

function drawNow(s) {
  const status = UNFINISHED.join(',');
  return [
    tile(t('Unfinished'), count(s.total), { href: `#/tickets?status=${status}`, note: t('at this moment') }),
    tile(t('Overdue'), count(s.overdue), { href: '#/tickets?sla_state=breached', kind: s.overdue ? 'bad' : 'good', note: t('past their time') }),
    tile(t('At risk'), count(s.at_risk), { href: '#/tickets?sla_state=at_risk', kind: s.at_risk ? 'warn' : 'good', note: t('75 % used up') }),
    tile(t('Unassigned'), count(s.unassigned), { href: `#/tickets?assigned=false&status=${status}`, kind: s.unassigned ? 'warn' : 'good', note: t('no team yet') }),
  ];
}

function drawToday({ created, completed }) {
  const of = (course) => course.series.find((point) => point.at === course.to)?.value ?? 0;
  return [
    tile(t('Created today'), count(of(created)), { href: `#/tickets?created_from=${created.to}`, note: t('so far') }),
    tile(t('Completed today'), count(of(completed)), { href: `#/tickets?completed_from=${created.to}&status=completed,closed`, note: t('so far') }),
  ];
}

const drawStatus = (s) => [
  parts(t('Unfinished work'), UNFINISHED.map((code) => ({ code, value: s.by_status?.[code] ?? 0, href: `#/tickets?status=${code}` }))),
  el('h3', {}, t('By priority')),
  bars(PRIORITIES.map((code) => ({ name: word(code), value: s.by_priority?.[code] ?? 0, kind: code, href: `#/tickets?priority=${code}&status=${UNFINISHED.join(',')}` }))),
  el('p', { class: 'muted small' }, t('As of'), ' ', timeOf(s.as_of)),
];

/** The days of six weeks; the days ahead too, for those who may see forecasts. */
async function loadCourse(api, ahead) {
  const query = { granularity: 'day', from: dayAgo(HISTORY_DAYS) };
  const [created, completed, forecast] = await Promise.all([
    api.get('/api/analytics/trends', { metric: 'created', ...query }),
    api.get('/api/analytics/trends', { metric: 'completed', ...query }),
    ahead ? api.get('/api/analytics/forecast', { metric: 'created', horizon_days: 14 }).catch((problem) => {
      if (problem.code === 'not_enough_history') return null;
      throw problem;
    }) : null,
  ]);
  return { created, completed, forecast };
}

// Today is not over: its count would look like a fall.
const wholeDays = (course) => course.series.filter((point) => point.at !== course.to);

function drawTrend({ created, completed, forecast }) {
  if (![...created.series, ...completed.series].some((p) => p.value)) return empty(t('No tickets in this period yet.'));
  return [
    lineChart({
      title: t('Created and completed'),
      series: [{ name: t('Created'), kind: 'created', points: wholeDays(created) },
        { name: t('Completed'), kind: 'completed', points: wholeDays(completed) }],
      forecast: forecast ? { name: t('Forecast'), points: forecast.points } : null,
      marks: created.anomalies ?? [],
    }),
    forecast ? el('p', { class: 'muted small' }, forecastNote(forecast)) : null,
  ].filter(Boolean);
}

function forecastNote({ model, accuracy }) {
  const error = accuracy?.wape ?? null;
  const known = error === null ? '' : t('typical error {error}', { error: percent(error) });
  return [t('Forecast by {model}', { model: word(model).toLowerCase() }), known].filter(Boolean).join(', ');
}

const SEVERITY = { critical: 'bad', high: 'bad', warning: 'warn', medium: 'warn', info: 'info', low: 'info' };

function drawInsights({ items }) {
  if (!items.length) return empty(t('Nothing stands out at the moment.'));
  return scrolling(t('Needs a look'), el('div', { class: 'insights' }, el('ul', {}, items.slice(0, 6).map((item) => el('li', { class: `is-${SEVERITY[item.severity] ?? 'info'}` },
    el('p', { class: 'kind' }, icon(SEVERITY[item.severity] === 'info' ? 'clock' : 'warn'), word(item.kind),
      item.first_seen_at ? el('small', { class: 'muted' }, ago(item.first_seen_at)) : null),
    el('h3', {}, hereFor(item.tickets_url) ? el('a', { href: hereFor(item.tickets_url) }, item.title) : item.title),
    el('p', {}, item.text),
    item.suggested_action ? el('p', { class: 'action' }, item.suggested_action) : null)))));
}

function drawMap({ by_zone }) {
  const mapped = Object.keys(by_zone).some(onTheMap);
  const counts = { ...Object.fromEntries(mapped ? MAPPED.map((name) => [name, 0]) : []), ...by_zone };
  const rows = Object.entries(counts).map(([name, value]) => ({ name, value, text: count(value),
    href: `#/tickets?zone=${encodeURIComponent(name)}&status=${UNFINISHED.join(',')}` })).sort((a, b) => b.value - a.value);
  if (!rows.some((row) => row.value)) return empty(t('Nothing is unfinished.'));
  return el('div', { class: mapped ? 'map-and-list' : '' },
    mapped ? tileMap(t('Unfinished work by zone'), rows) : null, bars(rows.slice(0, mapped ? 8 : 16)));
}

// name, whether more is better, how to show
const COMPARED = [
  ['created', null], ['completed', true], ['sla_met_ratio_resolution', true], ['resolution_median_minutes', false],
  ['first_visit_fix_ratio', true], ['reopen_ratio', false],
];
const TITLES = {
  created: 'Created', completed: 'Completed', resolution_median_minutes: 'Time to resolve, median', sla_met_ratio_resolution: 'Promise kept',
  first_visit_fix_ratio: 'Fixed at the first visit', reopen_ratio: 'Reopened',
};

function drawPerformance({ overall, previous }) {
  const before = previous?.overall ?? previous;
  return el('div', { class: 'tiles' }, COMPARED.map(([name, better]) => {
    const now = figure(overall, name);
    const text = /_ratio/.test(name) ? (v) => percent(v, 1) : showMetric(name);
    return el('div', { class: 'tile', title: now.definition ?? null },
      el('span', { class: 'label' }, t(TITLES[name])), el('b', { class: 'figure' }, text(now.value)),
      change(now.value, figure(before, name).value, better, text));
  }));
}

function change(now, before, better, text) {
  if (now === null || before === null || before === undefined) return null;
  const up = now > before;
  const kind = now === before || better === null ? 'plain' : up === better ? 'good' : 'bad';
  const arrow = now === before ? '=' : up ? '▲' : '▼';
  return el('small', { class: `change is-${kind}` }, `${arrow} ${t('before: {value}', { value: text(before) })}`);
}
