// The assistant's panel: a conversation beside whatever page is open.
//
// Replies are plain text with a small set of marks (lists, bold, ticket numbers). A change is
// only proposed; it happens when the person presses Confirm.

import { el, icon, inWords, instant, locale, t, word } from '../kit.js';

const WELCOME = 'Ask about tickets, teams, promises or forecasts, in English or Bahasa Malaysia.';
const STARTERS = ['How many tickets are overdue?', 'Which zone has the most open tickets?', 'Show urgent tickets in Selangor', 'How did we do last month?'];

let box = null;
let conversation = null;

export function toggle({ api, go }) {
  if (box?.isConnected) {
    close();
    return;
  }
  box = build(api, go);
  document.body.append(box);
  box.querySelector('textarea').focus();
}

function close() {
  box.remove();
  document.querySelector('.tools button')?.focus();
}

function build(api) {
  conversation = null;
  const log = el('ol', { class: 'talk', 'aria-live': 'polite', tabindex: '0', 'aria-label': t('Conversation') });
  const text = el('textarea', { name: 'message', rows: 2, required: true, maxlength: 2000, 'aria-label': t('Your question') });
  const chat = { api, log, busy: false };
  const form = el('form', { onsubmit: (event) => {
    event.preventDefault();
    const message = text.value.trim();
    if (!message || chat.busy) return;
    text.value = '';
    say(chat, { message }, message);
  } }, text, el('button', { type: 'submit', class: 'button primary', 'aria-label': t('Send') }, icon('send')));
  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  log.append(el('li', { class: 'reply' }, el('p', {}, t(WELCOME)), suggestions(chat, STARTERS.map((s) => t(s)))));
  return el('aside', { class: 'assistant', 'aria-label': t('Assistant'), onkeydown: (event) => { if (event.key === 'Escape') close(); } },
    el('header', {}, el('h2', {}, icon('chat'), t('Assistant')),
      el('button', { type: 'button', class: 'plain', 'aria-label': t('Close'), onclick: close }, icon('cross'))),
    log, form);
}

async function say(chat, body, shown) {
  chat.busy = true;
  const waiting = el('li', { class: 'reply waiting' }, el('p', {}, t('Looking …')));
  chat.log.append(el('li', { class: 'mine' }, el('p', {}, shown)), waiting);
  waiting.scrollIntoView({ block: 'end' });
  try {
    const answer = await chat.api.post('/api/ai/chat', { ...body, locale, ...(conversation ? { conversation_id: conversation } : {}) });
    conversation = answer.conversation_id;
    waiting.replaceWith(reply(chat, answer));
    // What was confirmed may be on the page behind: show it as it is now.
    if (body.confirm) window.dispatchEvent(new HashChangeEvent('hashchange'));
  } catch (problem) {
    waiting.replaceWith(el('li', { class: 'reply is-bad' }, el('p', {}, inWords(problem))));
  } finally {
    chat.busy = false;
  }
  chat.log.lastElementChild.scrollIntoView({ block: 'nearest' });
}

function reply(chat, answer) {
  const calls = answer.tool_calls ?? [];
  return el('li', { class: 'reply', lang: answer.language ?? null }, marked(answer.reply),
    answer.proposal ? proposal(chat, answer.proposal) : null,
    answer.interpretation || calls.length ? el('details', { class: 'small' }, el('summary', {}, t('How this was found')),
      answer.interpretation ? el('p', {}, answer.interpretation) : null,
      calls.map((call) => el('p', { class: 'muted' }, `${word(call.name)}: ${call.source_url ?? JSON.stringify(call.arguments)} (${call.status})`))) : null,
    answer.proposal ? null : suggestions(chat, answer.suggestions ?? []));
}

const suggestions = (chat, texts) => (texts.length ? el('p', { class: 'chips' }, texts.slice(0, 4).map((s) => {
  const text = typeof s === 'string' ? s : s.text;
  return el('button', { type: 'button', class: 'chip', onclick: () => { if (!chat.busy) say(chat, { message: text }, text); } }, text);
})) : null);

function proposal(chat, offer) {
  const buttons = el('div', { class: 'actions' },
    el('button', { type: 'button', class: 'button primary', onclick: () => { buttons.remove(); say(chat, { confirm: offer.token }, t('Confirm')); } }, t('Confirm')),
    el('button', { type: 'button', class: 'button', onclick: () => { buttons.remove(); say(chat, { message: locale === 'ms' ? 'tidak' : 'no' }, t('No')); } }, t('No')));
  return el('div', { class: 'proposal' }, el('p', {}, el('b', {}, offer.summary)),
    el('p', { class: 'muted small' }, t('Good until {time}', { time: instant(offer.expires_at) })), buttons);
}

/** Text with `**bold**`, `- lists` and ticket numbers, as elements. */
function marked(text) {
  const out = [];
  for (const line of String(text).split('\n')) {
    const item = /^\s*(?:[-*•]|\d+[.)])\s+(.*)$/.exec(line);
    if (item && out.at(-1)?.tagName === 'UL') out.at(-1).append(el('li', {}, inline(item[1])));
    else if (item) out.push(el('ul', {}, el('li', {}, inline(item[1]))));
    else if (line.trim()) out.push(el('p', {}, inline(line)));
  }
  return out;
}

const inline = (text) => text.split(/(\*\*[^*]+\*\*|CTT_\d+)/).map((piece) => {
  if (/^CTT_\d+$/.test(piece)) return el('a', { href: `#/tickets/${piece}` }, piece);
  return /^\*\*.+\*\*$/.test(piece) ? el('b', {}, piece.slice(2, -2)) : piece;
});
