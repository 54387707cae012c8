// A new ticket: the few fields that matter, each fault of the API shown at its field.

import { el, field, input, select, submitting, t, toast, word } from '../kit.js';
import { zoneNames } from './reference.js';

const CATEGORIES = ['repair', 'fiber_installation', 'maintenance', 'inspection', 'emergency'];
const PRIORITIES = ['medium', 'urgent', 'high', 'low'];
const CUSTOMER = ['customer_name', 'customer_phone', 'customer_email'];

export async function show({ api, go }) {
  const zones = await zoneNames(api);
  const form = el('form', { class: 'panel form', novalidate: false, onsubmit: (event) => {
    event.preventDefault();
    submitting(form, async (values) => {
      const ticket = await create(api, values);
      toast(t('{number} was created.', { number: ticket.number }));
      go(`tickets/${ticket.number}`);
    });
  } },
  field(t('Title'), input('title', { required: true, maxlength: 200, autocomplete: 'off' }), { wide: true, hint: t('What is wrong, in one line') }),
  field(t('Category'), select('category', CATEGORIES.map((c) => [c, word(c)]), { required: true })),
  field(t('Priority'), select('priority', PRIORITIES.map((c) => [c, word(c)]), { value: 'medium' })),
  field(t('Zone'), select('zone', [['', t('Choose …')], ...zones.map((z) => [z, z])], { required: true })),
  field(t('Location'), input('location', { maxlength: 300, autocomplete: 'off' }), { hint: t('Address or place') }),
  field(t('Description'), el('textarea', { name: 'description', rows: 5 }), { wide: true }),
  el('fieldset', { class: 'wide' }, el('legend', {}, t('Customer')),
    field(t('Name'), input('customer_name', { autocomplete: 'off' })),
    field(t('Phone'), input('customer_phone', { type: 'tel', autocomplete: 'off' })),
    field(t('E-mail'), input('customer_email', { type: 'email', autocomplete: 'off' }))),
  el('details', { class: 'wide' }, el('summary', {}, t('Place on the map')), el('div', { class: 'inline' },
    field(t('Latitude'), input('lat', { inputmode: 'decimal', pattern: '-?[0-9]{1,2}(\\.[0-9]+)?' })),
    field(t('Longitude'), input('lon', { inputmode: 'decimal', pattern: '-?[0-9]{1,3}(\\.[0-9]+)?' })))),
  el('div', { class: 'message wide' }),
  el('div', { class: 'actions wide' },
    el('a', { class: 'button', href: '#/tickets' }, t('Back')),
    el('button', { type: 'submit', class: 'button primary' }, t('Create ticket'))));
  return el('div', { class: 'page narrow' }, el('h1', {}, t('New ticket')), form);
}

/** The form is flat, the ticket is not: customer and coordinates are gathered here, and their faults taken apart again. */
async function create(api, values) {
  const { lat, lon, ...body } = values;
  const customer = Object.fromEntries(CUSTOMER.filter((name) => body[name]).map((name) => [name.replace('customer_', ''), body[name]]));
  for (const name of CUSTOMER) delete body[name];
  if (Object.keys(customer).length) body.customer = customer;
  if (lat || lon) body.coordinates = { lat: Number(lat), lon: Number(lon) };
  try {
    return await api.post('/api/tickets', body);
  } catch (problem) {
    problem.errors = problem.errors && flat(problem.errors);
    throw problem;
  }
}

function flat(errors) {
  const found = {};
  for (const [name, why] of Object.entries(errors)) {
    const [outer, ...inner] = name.split('.');
    const nested = inner.length ? { [inner.join('.')]: why } : why;
    if (!['customer', 'coordinates'].includes(outer) || Array.isArray(nested)) found[name] = why;
    else for (const [part, reason] of Object.entries(nested)) found[outer === 'customer' ? `customer_${part}` : part] = reason;
  }
  return found;
}
