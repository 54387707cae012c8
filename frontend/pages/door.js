// What a person may do without being signed in: ask for a new password, choose one with
// the link of the mail, and open an account of their own (role: requester).

import { el, field, input, submitting, t } from '../kit.js';

const newPassword = (name) => field(t('New password'),
  input(name, { type: 'password', required: true, minlength: 10, maxlength: 128, autocomplete: 'new-password' }), { hint: t('At least 10 characters') });

function card(title, fields, button, work) {
  const done = (text) => form.replaceChildren(el('h1', {}, title), el('p', { role: 'status' }, text), back());
  const form = el('form', { class: 'card', onsubmit: (event) => {
    event.preventDefault();
    submitting(form, async (values) => done(await work(values)));
  } }, el('h1', {}, title), ...fields, el('div', { class: 'message' }),
  el('button', { type: 'submit', class: 'button primary' }, button), back());
  return form;
}

const back = () => el('p', {}, el('a', { href: '#/' }, t('Back to signing in')));

export const askReset = ({ post }) => card(t('Forgotten password'), [
  el('p', {}, t('We send a link to the address of your account. It works once, for 30 minutes.')),
  field(t('E-mail'), input('email', { type: 'email', required: true, autocomplete: 'email' })),
], t('Send the link'), async (values) => {
  await post('/api/auth/password/forgot', values);
  return t('If there is an account with this address, a mail is on its way.');
});

export function resetPassword({ post, query }) {
  // The token works once, but it should not stay in the address and the history either.
  history.replaceState(null, '', '/#/reset-password');
  return card(t('Choose a new password'), [newPassword('password')], t('Save'), async (values) => {
    await post('/api/auth/password/reset', { token: query.token ?? '', ...values });
    return t('Your password is changed. All your sessions were ended.');
  });
}

export const register = ({ post }) => card(t('Open an account'), [
  field(t('User name'), input('username', { required: true, autocomplete: 'username', autocapitalize: 'none' })),
  field(t('Full name'), input('full_name', { autocomplete: 'name' })),
  field(t('E-mail'), input('email', { type: 'email', required: true, autocomplete: 'email' })),
  newPassword('password'),
], t('Open an account'), async (values) => {
  await post('/api/auth/register', values);
  return t('Your account is open. You can sign in now.');
});
