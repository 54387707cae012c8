// The figures of a period: by team, zone and more, their course, what is to come, and what lies about.
//
// Each figure names how many tickets stand behind it and leads to them; definitions are the API's words.

import { bars, lineChart, showMetric } from '../charts.js';
import { count, date, dayAgo, decimal, duration, el, empty, figure, hereFor, input, loadInto, panel, percent, select, t, table, timeOf, whenSeen, word } from '../kit.js';
import { zoneNames } from './reference.js';

const METRICS = { created: 'Created', completed: 'Completed', backlog: 'Backlog', workload_minutes: 'Workload', resolution_median_minutes: 'Resolution, median',
  sla_met_ratio_resolution: 'Promise kept', first_visit_fix_ratio: 'First-visit fix', reopen_ratio: 'Reopened', utilisation_ratio: 'Utilisation' };
const PRIORITIES = ['urgent', 'high', 'medium', 'low'];
const BY = ['team', 'zone', 'category', 'priority', 'technician'];

export async function show({ api, query, go, user }) {
  const period = { from: query.from ?? dayAgo(29), to: query.to ?? dayAgo(0), ...(query.zone ? { zone: query.zone } : {}) };
  const by = query.by ?? 'team';
  const change = (changed) => go('analytics', Object.fromEntries(Object.entries({ ...period, by, ...changed }).filter(([, v]) => v)));
  const performance = el('div');
  const page = el('div', { class: 'page' }, el('h1', {}, t('Analytics')), await periodBar(api, period, change),
    panel(t('Performance'), { actions: chooser(t('By'), 'by', BY.map((code) => [code, word(code)]), by, (value) => change({ by: value })) }, performance));
  loadInto(performance, () => api.get('/api/analytics/performance', { by, ...period }), (answer) => drawPerformance(answer, by), { lines: 10 });
  page.append(trendPanel(api, period));
  if (user.role !== 'technician') page.append(forecastPanel(api, period));
  page.append(el('div', { class: 'grid halves' }, lazyPanel(t('Age of unfinished work'), null, () => api.get('/api/analytics/aging', period.zone ? { zone: period.zone } : {}), drawAging),
      lazyPanel(t('Promises kept'), null, () => api.get('/api/analytics/sla', period), drawSla)));
  return page;
}

// ------------------------------------------------------------------- period

async function periodBar(api, period, change) {
  const zones = await zoneNames(api).catch(() => []);
  const day = (name, label) => el('label', { class: 'compact' }, el('span', {}, label),
    input(name, { type: 'date', value: period[name], max: dayAgo(0), onchange: (e) => change({ [name]: e.target.value }) }));
  const last = (days) => el('button', { type: 'button', class: 'button toggle', 'aria-pressed': String(period.from === dayAgo(days - 1) && period.to === dayAgo(0)),
    onclick: () => change({ from: dayAgo(days - 1), to: dayAgo(0) }) }, t('{n} days', { n: days }));
  return el('div', { class: 'filter-bar' }, last(7), last(30), last(90), last(365), day('from', t('From')), day('to', t('To')),
    chooser(t('Zone'), 'zone', [['', t('All zones')], ...zones.map((z) => [z, z])], period.zone, (zone) => change({ zone })));
}

const chooser = (label, name, options, value, set) =>
  el('label', { class: 'compact' }, el('span', {}, label), select(name, options, { value, onchange: (e) => set(e.target.value) }));

function lazyPanel(title, note, load, draw) {
  const body = el('div');
  whenSeen(body, () => loadInto(body, load, draw));
  return panel(title, { note }, body);
}

// -------------------------------------------------------------- performance

const COLUMNS = [
  ['created', 'Created', count], ['completed', 'Completed', count], ['backlog', 'Backlog', count], ['completion_ratio', 'Completion', percent],
  ['first_response_median_minutes', 'First response', duration], ['resolution_median_minutes', 'Resolution, median', duration],
  ['resolution_p90_minutes', 'Resolution, p90', duration], ['sla_met_ratio_resolution', 'Promise kept', percent],
  ['first_visit_fix_ratio', 'First-visit fix', percent], ['reopen_ratio', 'Reopened', percent], ['utilisation_ratio', 'Utilisation', percent],
];

const present = (overall) => COLUMNS.filter(([name]) => figure(overall, name).value !== null);

function cell(holder, name, show) {
  const f = figure(holder, name);
  const text = show(f.value);
  const title = [f.definition, f.n === undefined ? null : t('{n} tickets', { n: count(f.n) })].filter(Boolean).join(' · ');
  return hereFor(f.tickets_url) ? el('a', { href: hereFor(f.tickets_url), title }, text) : el('span', { title }, text);
}

function drawPerformance(answer, by) {
  const columns = present(answer.overall);
  const rows = [...answer.groups].sort((a, b) => (figure(b, 'completed').value ?? 0) - (figure(a, 'completed').value ?? 0));
  return [
    el('div', { class: 'tiles' }, columns.map(([name, title, show]) => el('div', { class: 'tile', title: figure(answer.overall, name).definition },
      el('span', { class: 'label' }, t(title)), el('b', { class: 'figure' }, cell(answer.overall, name, show)),
      figure(answer.overall, name).n === undefined ? null : el('small', {}, `n = ${count(figure(answer.overall, name).n)}`)))),
    rows.length ? growing(rows, (some) => table(t('Performance'), [
      { title: word(by), class: 'title', cell: (g) => word(g.name ?? g.key) },
      ...columns.map(([name, title, show]) => ({ title: t(title), class: 'figure', cell: (g) => cell(g, name, show) })),
    ], some)) : empty(t('No group has tickets in this period.')),
    answer.as_of ? el('p', { class: 'muted small' }, t('As of'), ' ', timeOf(answer.as_of)) : null,
  ].filter(Boolean);
}

/** The first 15 rows, and a button for the rest. */
function growing(rows, draw) {
  const box = el('div', {}, draw(rows.slice(0, 15)));
  if (rows.length > 15) {
    box.append(el('button', { type: 'button', class: 'button', onclick: () => box.replaceChildren(draw(rows)) }, t('Show all {n}', { n: count(rows.length) })));
  }
  return box;
}

// -------------------------------------------------------------------- course

function trendPanel(api, period) {
  const body = el('div');
  const chosen = { metric: 'created', granularity: 'day' };
  const load = () => loadInto(body, () => api.get('/api/analytics/trends', { ...chosen, ...period }), (answer) => drawTrend(answer, chosen.metric), { lines: 8 });
  const set = (name) => (value) => { chosen[name] = value; load(); };
  whenSeen(body, load);
  return panel(t('Course'), { actions: [
    chooser(t('Metric'), 'metric', Object.entries(METRICS).map(([code, name]) => [code, t(name)]), 'created', set('metric')),
    chooser(t('Per'), 'granularity', ['day', 'week', 'month'].map((g) => [g, word(g)]), 'day', set('granularity'))] }, body);
}

function drawTrend({ series, trend, anomalies, note }, metric) {
  const show = showMetric(metric);
  if (!series.length) return empty(t('No tickets in this period yet.'));
  return [
    lineChart({ title: t(METRICS[metric]), series: [{ name: t(METRICS[metric]), kind: 'created', points: series }], marks: anomalies ?? [], show }),
    trend ? el('p', {}, trendInWords(trend, show)) : note ? el('p', { class: 'muted' }, note) : null,
    anomalies?.length ? el('p', {}, t('Unusual days: {list}', { list: anomalies.slice(0, 6).map((a) => `${date(a.at)} (${show(a.value)}, ${t('expected')} ${show(a.expected)})`).join('; ') })) : null,
  ].filter(Boolean);
}

function trendInWords(trend, show) {
  const slope = trend.slope_per_day;
  if (!trend.significant || slope === null || slope === undefined) return t('No significant trend in this period.');
  const range = trend.ci95 ? ` (95 %: ${decimal(trend.ci95[0], 3)} – ${decimal(trend.ci95[1], 3)})` : '';
  const weekly = show === percent ? percent(slope * 7, 1) : decimal(slope * 7, 2);
  return `${slope > 0 ? '▲' : '▼'} ${t('Changing by {n} a week', { n: weekly })}${range}`;
}

// ------------------------------------------------------------------ forecast

function forecastPanel(api, period) {
  const body = el('div');
  const chosen = { metric: 'created', horizon_days: 14 };
  const where = period.zone ? { zone: period.zone } : {};
  const load = () => loadInto(body, () => Promise.all([
    api.get('/api/analytics/forecast', { ...chosen, ...where }),
    api.get('/api/analytics/trends', { metric: chosen.metric, granularity: 'day', from: dayAgo(28), to: dayAgo(1), ...where }),
  ]), ([answer, past]) => drawForecast(answer, past, chosen.metric), { lines: 8 });
  const set = (name) => (value) => { chosen[name] = value; load(); };
  whenSeen(body, load);
  return panel(t('Forecast'), { note: t('With its own measured error'), actions: [
    chooser(t('Metric'), 'metric', ['created', 'workload_minutes'].map((code) => [code, t(METRICS[code])]), 'created', set('metric')),
    chooser(t('Days'), 'horizon_days', [7, 14, 28].map((n) => [n, n]), 14, set('horizon_days'))] }, body);
}

function drawForecast(answer, past, metric) {
  const show = showMetric(metric);
  const accuracy = answer.accuracy ?? {};
  const facts = [
    [t('Model'), word(answer.model)], [t('Trained'), answer.trained_at ? timeOf(answer.trained_at) : null], [t('History'), answer.history_days ? t('{n} days', { n: count(answer.history_days) }) : null],
    ['WAPE', accuracy.wape === undefined || accuracy.wape === null ? null : percent(accuracy.wape, 1)], ['MASE', accuracy.mase === undefined ? null : decimal(accuracy.mase, 3)],
    [t('80 % range held'), accuracy.coverage80 === undefined ? null : percent(accuracy.coverage80)], [t('95 % range held'), accuracy.coverage95 === undefined ? null : percent(accuracy.coverage95)],
    [t('Baseline'), baselineText(accuracy.baseline)],
  ].filter(([, value]) => value !== null && value !== undefined && value !== '–');
  return [
    lineChart({ title: t('Forecast'), series: [{ name: t(METRICS[metric]), kind: 'created', points: past.series }], forecast: { name: t('Forecast'), points: answer.points }, show }),
    el('dl', { class: 'facts across' }, facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)))),
    resources(answer.resources ?? []),
  ].filter(Boolean);
}

const baselineText = (baseline) => (baseline && typeof baseline === 'object'
  ? [baseline.model ?? baseline.name, typeof baseline.mase !== 'number' ? null : `MASE ${decimal(baseline.mase, 3)}`].filter(Boolean).join(', ') : baseline);

function resources(rows) {
  const short = rows.filter((r) => r.gap > 0).sort((a, b) => b.gap - a.gap);
  if (!rows.length) return null;
  if (!short.length) return el('p', {}, t('Enough teams are on shift in every zone.'));
  return el('details', {}, el('summary', {}, t('Days and zones with too few teams: {n}', { n: count(short.length) })),
    table(t('Teams needed'), [
      { title: t('Day'), cell: (r) => date(r.on) }, { title: t('Zone'), cell: (r) => r.zone },
      { title: t('Needed'), class: 'figure', cell: (r) => decimal(r.teams_needed) }, { title: t('Available'), class: 'figure', cell: (r) => decimal(r.teams_available) },
      { title: t('Missing'), class: 'figure', cell: (r) => decimal(r.gap) }], short.slice(0, 40)));
}

// -------------------------------------------------------- aging and promises

function drawAging(answer) {
  if (!answer.buckets.some((bucket) => figure(bucket, 'count').value)) return empty(t('Nothing is unfinished.'));
  return bars(answer.buckets.map((bucket) => ({ name: bucket.name, value: figure(bucket, 'count').value, href: hereFor(figure(bucket, 'count').tickets_url) })));
}

function drawSla(answer) {
  const groups = PRIORITIES.map((code) => answer.by_priority.find((g) => g.key === code)).filter(Boolean);
  if (!groups.length) return empty(t('No verdicts in this period.'));
  return bars(groups.map((g) => {
    const f = figure(g, 'sla_met_ratio_resolution');
    return { name: word(g.key), value: f.value, kind: g.key, text: `${percent(f.value)} (n = ${count(f.n)})`, href: hereFor(f.tickets_url) };
  }), { top: 1 });
}
