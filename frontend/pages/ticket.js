// One ticket: what it is, what is promised and why, who went there, what was said,
// what changed, and the moves open to the reader.
//
// Every change sends the version that was read (If-Match); when somebody was faster,
// the page loads again and says so.

import { slaStrip, segmentName } from '../charts.js';
import { ago, ask, badge, count, decimal, duration, el, empty, field, icon, inWords, input, instant, loadInto, panel, percent,
  priorityMark, scrolling, select, shortInstant, slaBadge, submitting, t, timeOf, toast, word } from '../kit.js';
import { attachments } from './attachments.js';
import { teamNames } from './reference.js';

const HOLD_REASONS = ['customer_absent', 'awaiting_parts', 'permit_access', 'weather_safety', 'third_party', 'customer_info', 'other'];
const NEXT_VISIT = { offered: ['accepted', 'declined', 'released'], accepted: ['en_route', 'on_site', 'released'], en_route: ['on_site', 'not_done', 'released'], on_site: ['done', 'not_done'] };
const VISIT_MOVE = { accepted: 'Accept', declined: 'Decline', released: 'Release', en_route: 'On the way', on_site: 'On site', done: 'Done', not_done: 'Not done' };
const LIVE = Object.keys(NEXT_VISIT);

export async function show(context) {
  const { api, id } = context;
  const path = `/api/tickets/${encodeURIComponent(id)}`;
  const page = el('div', { class: 'page ticket' });
  const names = context.user.role === 'requester' ? new Map() : await teamNames(api).catch(() => new Map());

  async function draw() {
    const { data: ticket, etag } = await api.whole(path);
    const desk = { ...context, path, ticket, etag, names, draw, act };
    page.replaceChildren(...sections(desk));
  }

  /** Runs one change, says how it went, and shows the ticket as it is now. */
  async function act(work, done) {
    try {
      await work();
      toast(done);
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      toast(inWords(problem), 'bad');
    }
    await draw();
  }

  await draw();
  return page;
}

function sections(desk) {
  const { ticket } = desk;
  return [
    el('p', { class: 'crumbs' }, el('a', { href: '#/tickets' }, t('Tickets')), ' / ', ticket.number),
    el('div', { class: 'title-row' },
      el('div', {}, el('h1', {}, ticket.title),
        el('p', { class: 'marks' }, badge(ticket.status), priorityMark(ticket.priority), slaBadge(ticket.sla),
          ticket.reopen_count ? el('span', { class: 'muted' }, t('Reopened: {n}', { n: ticket.reopen_count })) : null)),
      actionBar(desk)),
    el('div', { class: 'grid two-one' },
      el('div', { class: 'stack' }, description(desk), promise(desk), visits(desk), attachments(desk), comments(desk)),
      el('div', { class: 'stack' }, facts(desk), assign(desk), history(desk))),
  ].filter(Boolean);
}

// ------------------------------------------------------------------- moves

function actionBar(desk) {
  const bar = el('div', { class: 'actions', role: 'group', 'aria-label': t('Actions') });
  desk.api.get(`${desk.path}/transitions`).then((answer) => {
    bar.replaceChildren(...answer.items.map((move, i) => el('button', {
      type: 'button', class: i === 0 ? 'button primary' : 'button', onclick: () => takeMove(desk, move),
    }, word(move.action))));
  }).catch(() => {});
  return bar;
}

async function takeMove(desk, { action, effect }) {
  const fields = effect ? [el('p', { class: 'muted' }, effect)] : [];
  if (action === 'hold') {
    fields.push(field(t('Reason'), select('reason', HOLD_REASONS.map((code) => [code, word(code)]), { required: true })));
  } else if (['cancel', 'reopen'].includes(action)) {
    fields.push(field(t('Reason'), input('reason', { required: true, maxlength: 200 })));
  }
  fields.push(field(t('Note'), el('textarea', { name: 'note', rows: 2, maxlength: 2000 })));
  const answer = await ask(`${desk.ticket.number}: ${word(action)}`, fields, word(action));
  if (answer) {
    await desk.act(() => withEvidence((more) => desk.api.post(`${desk.path}/transitions`, { action, ...answer, ...more })), t('Done: {what}', { what: word(action) }));
  }
}

/** Sends a change; when its category asks for evidence, asks the person for just that and sends it again. */
async function withEvidence(send) {
  try {
    return await send({});
  } catch (problem) {
    if (problem.code !== 'evidence_missing') throw problem;
    const names = Object.keys(problem.errors).map((name) => name.replace('evidence.', ''));
    const given = await ask(t('Evidence'), names.map((name) => field(word(name), input(name, { required: true }))), t('Send'));
    if (!given) throw problem;
    const evidence = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Number.isNaN(Number(value)) ? value : Number(value)]));
    return send({ evidence });
  }
}

/** Sends a team; where one against the rules of skill and zone needs a reason, asks for it and sends it again. */
async function withOverride(send) {
  try {
    return await send({});
  } catch (problem) {
    if (problem.code !== 'override_reason_required') throw problem;
    const given = await ask(t('Why this team all the same?'), [el('p', { class: 'muted' }, problem.errors.override_reason.join(' ')),
      field(t('Reason'), input('override_reason', { required: true, maxlength: 500 }))], t('Assign'));
    if (!given) throw problem;
    return send(given);
  }
}

// ------------------------------------------------------------ what it is

function description({ ticket }) {
  return panel(t('Description'), {},
    ticket.description ? el('p', { class: 'prose' }, ticket.description) : empty(t('No description.')));
}

function facts(desk) {
  const { ticket } = desk;
  const place = ticket.coordinates;
  const rows = [
    [t('Category'), word(ticket.category)],
    [t('Cause'), ticket.cause ? word(ticket.cause) : null],
    [t('Zone'), ticket.zone],
    [t('Location'), ticket.location],
    [t('Coordinates'), place ? el('a', { href: `https://www.openstreetmap.org/?mlat=${place.lat}&mlon=${place.lon}#map=16/${place.lat}/${place.lon}`, target: '_blank', rel: 'noopener noreferrer' }, `${decimal(place.lat, 5)}, ${decimal(place.lon, 5)}`) : null],
    [t('Customer'), ticket.customer?.name],
    [t('Phone'), ticket.customer?.phone],
    [t('E-mail'), ticket.customer?.email],
    [t('Team'), ticket.team_id ? desk.names.get(ticket.team_id) ?? ticket.team_id : t('Unassigned')],
    [t('Estimated'), ticket.estimated_minutes ? duration(ticket.estimated_minutes) : null],
    [t('Created'), timeOf(ticket.created_at, instant(ticket.created_at))],
    [t('Started'), ticket.started_at ? timeOf(ticket.started_at, instant(ticket.started_at)) : null],
    [t('Completed'), ticket.completed_at ? timeOf(ticket.completed_at, instant(ticket.completed_at)) : null],
    [t('Closed'), ticket.closed_at ? timeOf(ticket.closed_at, instant(ticket.closed_at)) : null],
    [t('External reference'), ticket.external_ref],
    [t('Tags'), ticket.tags?.length ? ticket.tags.join(', ') : null],
  ].filter(([, value]) => value !== null && value !== undefined && value !== '');
  const mayEdit = ['admin', 'manager', 'dispatcher'].includes(desk.user.role);
  return panel(t('Facts'), { actions: mayEdit ? el('button', { type: 'button', class: 'button', onclick: () => edit(desk) }, t('Edit')) : null },
    el('dl', { class: 'facts' }, rows.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)))));
}

async function edit(desk) {
  const { ticket } = desk;
  const answer = await ask(t('Edit {number}', { number: ticket.number }), [
    field(t('Title'), input('title', { required: true, value: ticket.title, maxlength: 200 })),
    field(t('Priority'), select('priority', ['urgent', 'high', 'medium', 'low'].map((c) => [c, word(c)]), { value: ticket.priority })),
    field(t('Location'), input('location', { value: ticket.location ?? '', maxlength: 300 })),
    field(t('Description'), el('textarea', { name: 'description', rows: 5, value: ticket.description ?? '' })),
  ], t('Save'));
  if (!answer) return;
  const changed = Object.fromEntries(Object.entries(answer).filter(([name, value]) => value !== (ticket[name] ?? '')));
  if (Object.keys(changed).length) {
    await desk.act(() => desk.api.patch(desk.path, changed, desk.etag), t('Saved.'));
  }
}

// ------------------------------------------------------------- the promise

function promise(desk) {
  const body = el('div');
  loadInto(body, () => desk.api.get(`${desk.path}/sla`), (answer) => {
    const clocks = ['response', 'resolution'].filter((name) => answer[name]);
    return clocks.length ? clocks.map((name) => clockCard(name, answer[name])) : empty(t('No promise applies to this ticket.'));
  });
  return panel(t('Promise (SLA)'), { note: t('Working time counts; pauses and closed hours do not') }, body);
}

function clockCard(name, clock) {
  const target = clock.target_minutes ?? (clock.target_seconds ?? 0) / 60;
  const used = target ? (clock.elapsed_seconds ?? 0) / 60 / target : null;
  const left = clock.remaining_seconds;
  return el('div', { class: 'clock' },
    el('h3', {}, name === 'response' ? t('First response') : t('Resolution'), slaBadge({ state: clock.state, resolution: clock })),
    el('p', {}, t('{used} of {target} used', { used: duration((clock.elapsed_seconds ?? 0) / 60), target: duration(target) }),
      used === null ? null : ` (${percent(used)})`,
      left > 0 && ['ok', 'at_risk', 'paused'].includes(clock.state) ? ` · ${t('{time} of working time left', { time: duration(left / 60) })}` : null,
      clock.due_at ? [' · ', t('due'), ' ', timeOf(clock.due_at, instant(clock.due_at))] : null),
    slaStrip(clock),
    clock.segments?.length ? el('details', {}, el('summary', {}, t('Why then? Every stretch ({n})', { n: clock.segments.length })),
      scrolling(t('Promise (SLA)'), el('div', { class: 'segments' }, el('ol', {}, clock.segments.map((s) => el('li', { class: `is-${s.kind.split(':')[0]}` },
        `${shortInstant(s.from)} – ${shortInstant(s.to)} `, el('b', {}, duration(s.seconds / 60)), ` ${segmentName(s)}`)))))) : null);
}

// ---------------------------------------------------------- visits and teams

function visits(desk) {
  const body = el('div');
  loadInto(body, () => desk.api.get(`${desk.path}/assignments`), ({ items }) => {
    if (!items.length) return empty(t('No visit yet.'));
    return el('ol', { class: 'visits' }, items.map((visit) => visitRow(desk, visit)));
  }, { lines: 2 });
  return panel(t('Visits'), {}, body);
}

function visitRow(desk, visit) {
  const steps = [['Offered', visit.offered_at ?? visit.created_at], ['Accepted', visit.accepted_at], ['On the way', visit.en_route_at],
    ['On site', visit.on_site_at], ['Ended', visit.finished_at]].filter(([, when]) => when);
  const why = visit.outcome_reason ?? visit.reason;
  return el('li', {}, icon('van'),
    el('div', {}, el('p', {}, el('b', {}, visit.team_name ?? desk.names.get(visit.team_id) ?? t('Team {id}', { id: visit.team_id })), ' ', badge(visit.status)),
      el('p', { class: 'muted small' }, steps.map(([name, when]) => `${t(name)} ${shortInstant(when)}`).join(' → '), why ? ` · ${word(why)}` : null),
      LIVE.includes(visit.status) && desk.user.role !== 'viewer' && desk.user.role !== 'requester' ? el('div', { class: 'actions' },
        NEXT_VISIT[visit.status].map((status) => el('button', { type: 'button', class: 'button small', onclick: () => moveVisit(desk, visit, status) }, t(VISIT_MOVE[status])))) : null));
}

async function moveVisit(desk, visit, status) {
  let more = {};
  if (['declined', 'not_done'].includes(status)) {
    more = await ask(word(status), [field(t('Reason'), status === 'not_done'
      ? select('reason', HOLD_REASONS.map((code) => [code, word(code)]), { required: true }) : input('reason', { required: true, maxlength: 200 }))], word(status));
    if (!more) return;
  }
  await desk.act(() => withEvidence((evidence) => desk.api.patch(`/api/assignments/${visit.id}`, { status, ...more, ...evidence })), t('Done: {what}', { what: word(status) }));
}

function assign(desk) {
  if (!['admin', 'manager', 'dispatcher'].includes(desk.user.role)) return null;
  if (!['open', 'in_progress', 'on_hold'].includes(desk.ticket.status)) return null;
  const body = el('div');
  const send = (team_id, reason) => desk.act(
    () => withOverride((more) => desk.api.post(`${desk.path}/assignments`, { team_id, ...(reason ? { reason } : {}), ...more })), t('Offered to {team}.', { team: desk.names.get(team_id) ?? team_id }));
  loadInto(body, () => desk.api.post('/api/ai/recommendations', { ticket_id: desk.ticket.id }), (answer) => [
    answer.candidates.length ? el('ol', { class: 'candidates' }, answer.candidates.slice(0, 4).map((c, i) => candidate(desk, c, i, send)))
      : empty(t('No team can take this ticket under the rules.')),
    answer.rejected?.length ? rejectedTeams(desk, answer.rejected) : null,
  ].filter(Boolean), { lines: 6 });
  const byHand = el('form', { class: 'inline', onsubmit: (event) => { event.preventDefault(); send(Number(byHand.elements.team_id.value), byHand.elements.reason.value); } },
    field(t('Another team'), select('team_id', [...desk.names], { required: true })),
    field(t('Reason'), input('reason', { maxlength: 200 })),
    el('button', { type: 'submit', class: 'button' }, t('Assign')));
  return panel(desk.ticket.team_id ? t('Assign again') : t('Assign'), { note: t('Teams in order of fit for this ticket') },
    body, desk.names.size ? el('details', {}, el('summary', {}, t('Choose by hand')), byHand) : null);
}

function candidate(desk, c, rank, send) {
  const numbers = [
    c.eta_minutes === null || c.eta_minutes === undefined ? null : [t('there in'), duration(c.eta_minutes)],
    c.travel_km === null || c.travel_km === undefined ? null : [t('drive'), `${decimal(c.travel_km)} km`],
    c.breach_probability === null || c.breach_probability === undefined ? null : [t('breach risk'), percent(c.breach_probability)],
  ].filter(Boolean);
  return el('li', {},
    el('div', { class: 'title-row' }, el('b', {}, `${rank + 1}. ${c.name ?? desk.names.get(c.team_id)}`),
      el('button', { type: 'button', class: rank ? 'button small' : 'button small primary', onclick: () => send(c.team_id) }, t('Assign'))),
    el('p', { class: 'numbers' }, numbers.map(([name, value]) => el('span', {}, el('b', {}, value), ' ', name))),
    el('details', {}, el('summary', {}, t('Why')), el('ul', { class: 'reasons' }, (c.reasons ?? []).map((r) => el('li', {}, r.text ?? word(r.criterion)))),
      c.counterfactual ? el('p', { class: 'muted' }, typeof c.counterfactual === 'string' ? c.counterfactual : c.counterfactual.text) : null));
}

function rejectedTeams(desk, rejected) {
  return el('details', {}, el('summary', {}, t('Teams ruled out: {n}', { n: count(rejected.length) })),
    el('ul', { class: 'reasons' }, rejected.slice(0, 30).map((r) => el('li', {}, el('b', {}, r.name ?? desk.names.get(r.team_id) ?? t('Team {id}', { id: r.team_id })), `: ${r.text}`))));
}

// ------------------------------------------------------- what was said and done

function comments(desk) {
  const list = el('div');
  const load = () => loadInto(list, () => desk.api.get(`${desk.path}/comments`), ({ items }) =>
    (items.length ? el('ol', { class: 'comments' }, items.map(comment)) : empty(t('Nothing said yet.'))), { lines: 2 });
  load();
  const section = panel(t('Comments'), {}, list);
  if (desk.user.role === 'viewer') return section;
  const form = el('form', { onsubmit: (event) => {
    event.preventDefault();
    submitting(form, async (values) => {
      await desk.api.post(`${desk.path}/comments`, values);
      form.reset();
      await load();
    });
  } },
  field(t('Add a comment'), el('textarea', { name: 'body', rows: 3, required: true, maxlength: 10000 }), { hint: t('Name a colleague with @username') }),
  el('div', { class: 'message' }),
  el('div', { class: 'actions' },
    desk.user.role === 'requester' ? null : select('visibility', [['public', t('Public')], ['internal', t('Internal')]], { 'aria-label': t('Who may see it') }),
    el('button', { type: 'submit', class: 'button primary' }, t('Post'))));
  section.append(form);
  return section;
}

function who(entry) {
  const id = entry.author_id ?? entry.actor_id;
  return entry.author ?? entry.actor ?? (id ? t('User {id}', { id }) : t('System'));
}

const comment = (entry) => el('li', { class: entry.visibility === 'internal' ? 'internal' : null },
  el('p', { class: 'muted small' }, el('b', {}, who(entry)), ' · ', timeOf(entry.created_at, ago(entry.created_at)),
    entry.visibility === 'internal' ? ` · ${t('Internal')}` : null, entry.edited_at ? ` · ${t('edited')}` : null),
  el('p', { class: 'prose' }, entry.body));

function history(desk) {
  const body = el('div');
  loadInto(body, () => desk.api.get(`${desk.path}/history`, { limit: 200 }), ({ items }) => (items.length
    ? scrolling(t('History'), el('div', { class: 'timeline' }, el('ol', {}, items.toReversed().map((entry) => event(entry, desk.names)))))
    : empty(t('Nothing recorded.'))), { lines: 6 });
  return panel(t('History'), {}, body);
}

const short = (value) => (value === null || value === undefined || value === '' ? '–'
  : typeof value === 'object' ? JSON.stringify(value) : /^\d{4}-\d\d-\d\dT/.test(value) ? shortInstant(value) : /^[a-z_]+$/.test(value) ? word(value) : String(value));

function event(entry, names) {
  const read = (field_, value) => (field_ === 'team_id' && value ? names.get(value) ?? value : short(value));
  const changes = Object.entries(entry.changes ?? {}).filter(([field_]) => !['updated_at', 'version'].includes(field_));
  return el('li', {},
    el('p', {}, el('b', {}, word(entry.kind.replaceAll('.', ' '))), ' ', el('span', { class: 'muted small' }, who(entry), entry.via && entry.via !== 'api' ? ` · ${word(entry.via)}` : null)),
    changes.map(([field_, change]) => el('p', { class: 'small' }, `${field_ === 'team_id' ? t('Team') : word(field_)}: `,
      change.old === null ? null : [el('s', {}, read(field_, change.old)), ' → '], read(field_, change.new))),
    entry.data?.warnings?.length ? el('p', { class: 'small' }, `${t('Against the rules')}: ${entry.data.warnings.join('; ')}`,
      entry.data.override_reason ? ` (${entry.data.override_reason})` : null) : null,
    el('p', { class: 'muted small' }, timeOf(entry.occurred_at)));
}
