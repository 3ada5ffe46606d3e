/**
 * The account pages: shells without data, filled with fragments that only the
 * access token can fetch. Moving between them keeps this document, and with it
 * the token.
 */

import { parse, swap } from './fragment.js';
import { find, element } from './forms.js';
import { authorizedFetch, logout, onChange } from './session.js';
import { tell } from './time.js';

/** @typedef {(root: HTMLElement) => (() => void) | void} View mounts what a fragment needs; may return its end */
/** @type {Record<string, View>} */ let views = {};
/** @type {(() => void) | void} */ let unmount;
let turn = 0;
let shown = '';
let delay = 0;
/** @type {number | undefined} */ let retry;

const content = () => find('#content');
/** @param {string} path */
const linkTo = (path) => find(`.sections a[href="${CSS.escape(path)}"]`);

/** @param {string} path of an account page @param {boolean} [moved] whether the reader went there */
export async function show(path, moved = false) {
  const mine = ++turn;
  shown = path;
  clearTimeout(retry);
  const place = content();
  place.setAttribute('aria-busy', 'true');
  try {
    const fragment = await parse(await authorizedFetch(linkTo(path).dataset.fragment ?? '', { headers: { accept: 'text/html' } }));
    if (mine !== turn) return;
    delay = 0;
    fill(fragment.body);
    const heading = find('h1', place);
    document.title = `${heading.textContent} – Latchkey`;
    if (moved) {
      scrollTo(0, 0);
      heading.focus();
    }
  } catch (error) {
    if (mine === turn) explain(error, path);
  }
}

/** @param {HTMLElement} body */
function fill(body) {
  unmount?.();
  const place = content();
  swap(place, body);
  place.hidden = false;
  place.removeAttribute('aria-busy');
  tell(place);
  const root = find('[data-view]', place);
  unmount = root && views[root.dataset.view ?? '']?.(root);
}

/** @param {string} title @param {string} text @param {Node[]} more */
function trouble(title, text, ...more) {
  const heading = element('h1', { tabIndex: -1 }, title);
  fill(element('body', {}, element('div', { className: 'notice trouble', role: 'alert' }, heading, element('p', {}, text), ...more)));
}

/** @param {any} error @param {string} path */
function explain({ code, retryAfter }, path) {
  if (code === 'session_ended' || code === 'user_changed') return; // onChange sees to it
  const offline = code === 'unreachable';
  trouble(
    offline ? 'No connection' : 'This page could not be loaded',
    `The server could not ${offline ? 'be reached' : 'answer just now'}. You have not been logged out. This page comes back by itself.`,
    element('button', { className: 'button', onclick: () => show(path, true) }, 'Try again'),
  );
  delay = Math.max((retryAfter ?? 0) * 1000, Math.min(delay * 2 || 4000, 60_000));
  retry = setTimeout(show, delay * (1 + Math.random() / 4), path);
}

/** @param {string} path */
function go(path) {
  for (const link of document.querySelectorAll('.sections [aria-current]')) link.removeAttribute('aria-current');
  linkTo(path).setAttribute('aria-current', 'page');
  return show(path, true);
}

/**
 * Goes on to a page after login without a new document where it is an account
 * page, so that the token stays; else as usual.
 * @param {string} path
 */
export async function enter(path) {
  try {
    const page = await parse(await fetch(path, { cache: 'no-store' }));
    if (!page.querySelector('#content')) throw new Error('Not an account page.');
    for (const part of ['.links', 'main']) find(part).replaceWith(find(part, page));
    document.title = page.title;
    history.replaceState(null, '', path);
    start(views);
    await show(location.pathname, true);
  } catch {
    location.assign(path);
  }
}

/** @param {Record<string, View>} given */
export function start(given) {
  views = given;
  if (!content()) return;
  find('.logout').addEventListener('submit', leave);
  document.addEventListener('click', follow);
  addEventListener('popstate', () => {
    if (!linkTo(location.pathname)) location.reload();
    else if (location.pathname !== shown) go(location.pathname);
  });
  addEventListener('online', () => content().querySelector('.trouble') && show(location.pathname));
  addEventListener('pageshow', ({ persisted }) => persisted && show(location.pathname));
  onChange(({ status, reason }) => {
    if (status === 'logged_in' && reason === null) return;
    if (reason && reason !== 'logging_out') content().hidden = true; // nobody's data until it is known whose
    if (reason === 'session_ended') location.replace(`/login?notice=session_ended&next=${encodeURIComponent(location.pathname)}`);
    else if (status === 'logged_out') location.replace('/login?notice=logged_out');
    else if (reason === 'changed' || reason === 'user_changed') show(location.pathname);
  });
}

/** @param {MouseEvent} event */
function follow(event) {
  const link = /** @type {Element} */ (event.target).closest('a');
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.defaultPrevented) return;
  if (link.origin !== location.origin || link.target || link.hash || !linkTo(link.pathname)) return;
  event.preventDefault();
  if (link.pathname !== location.pathname) history.pushState(null, '', link.pathname);
  go(link.pathname);
}

/** @param {Event} event */
async function leave(event) {
  event.preventDefault();
  const button = find('.logout button');
  button.textContent = 'Logging out…';
  try {
    await logout();
  } catch {
    button.textContent = 'Log out';
    trouble('You are not logged out yet', 'The server could not be told, so your session may still be open. Check the connection, then log out again.');
  }
}
