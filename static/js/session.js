/**
 * The access token is in one variable here, the refresh token in a cookie no script can read.
 * What touches it is taken from the platform at load. That is hygiene, not a wall: script in this
 * page can still act as the user.
 */

/** @import { Problem, TokenAnswer } from './types.d.ts' */
/**
 * @typedef {{user: TokenAnswer['user'] | null, expiresAt: number, status: 'unknown' | 'logged_in' |
 *   'changed' | 'hidden' | 'logging_out' | 'logged_out' | 'session_ended'}} State
 */

const { fetch } = globalThis;
const { parse } = JSON;
const { apply } = Reflect;
const { text } = Response.prototype;

let token = '';
let expiresAt = 0; // by performance.now()
let epoch = 0; // an earlier one's answers are not adopted
/** @type {State} */ let state = { status: 'unknown', user: null, expiresAt };
/** @type {Promise<State> | null} */ let refreshing = null;
const changes = new EventTarget();
const channel = globalThis.BroadcastChannel && new BroadcastChannel('latchkey');

const over = () => ['logged_out', 'session_ended'].includes(state.status);

/** @param {Partial<Problem>} problem */
const failure = ({ code = 'unreachable', detail = 'The server could not be reached.', status }, retryAfter = 0) =>
  Object.assign(new Error(detail), { code, status, retryAfter });
const superseded = () =>
  failure({ code: over() ? 'session_ended' : 'superseded', detail: 'A login or logout came first.' });

function publish(status, user = state.user) {
  state = { status, user, expiresAt };
  changes.dispatchEvent(new Event('change'));
  return state;
}

/** Requests under way may finish, as their cookies count; their tokens do not. */
function overtake() {
  epoch += 1;
  refreshing = null;
}

function drop(status, user = state.user) {
  overtake();
  token = '';
  expiresAt = 0;
  return publish(status, user);
}

/** @param {TokenAnswer} answer */
function adopt({ access_token, expires_in, user }, sent, isNew) {
  if (isNew) {
    overtake();
    channel?.postMessage('changed');
  }
  const stranger = state.user && state.user.id !== user.id;
  token = access_token;
  expiresAt = sent + expires_in * 1000; // from sending on: early rather than late
  return publish(stranger ? 'changed' : 'logged_in', user);
}

/**
 * What holds the token has no prototype, where a getter could be planted. The caller's
 * signal replaces the timeout. @param {RequestInit} init
 */
async function request(url, init, bearer) {
  /** @type {any} */ const headers = { __proto__: null, ...Object.fromEntries(new Headers(init.headers)) };
  if (bearer) headers.authorization = `Bearer ${bearer}`;
  try {
    return await fetch(url, /** @type {any} */ ({
      __proto__: null, signal: AbortSignal.timeout(15_000), ...init, headers,
      credentials: 'same-origin', mode: 'same-origin', cache: 'no-store', redirect: 'error',
    }));
  } catch (error) {
    throw init.signal?.aborted ? error : failure({});
  }
}

/** One tab at a time spends the cookie: an optimisation, waited for as long as a request may take. */
const turn = () =>
  new Promise((enter) => {
    const hold = () => new Promise(enter);
    navigator.locks.request('latchkey', { signal: AbortSignal.timeout(20_000) }, hold).catch(() => enter(() => {}));
  });

/**
 * A POST is repeated while that may help, and is safe: without a body. The token that comes back
 * is adopted here and handed to nobody. @param {object | null} body @returns {Promise<State>}
 */
async function send(path, bearer = '', body = null) {
  const begun = epoch;
  const check = () => {
    if (epoch !== begun) throw superseded();
  };
  for (let left = body ? 1 : 3, pause = 600; ; pause *= 2) {
    const leave = path === '/auth/logout' ? () => {} : await turn();
    try {
      check();
      const sent = performance.now();
      const headers = { 'content-type': 'application/json' };
      const init = { method: 'POST', keepalive: true, headers, body: body && JSON.stringify(body) };
      const response = await request(path, init, bearer);
      /** @type {any} */ let data = {};
      try {
        data = parse(await apply(text, response, []));
      } catch {} // none, a proxy's page, or cut short
      check();
      const { ok, status } = response;
      if (data.access_token) return adopt(data, sent, body);
      if (ok && status !== 200) return state;
      if (status === 401 && data.code === 'session_ended') drop('session_ended', null);
      throw failure({ ...data, status }, Number(response.headers.get('retry-after')) || 0);
    } catch (error) {
      check();
      const temporary = error.code === 'unreachable' || error.status === 429 || error.status > 499;
      pause = error.retryAfter * 1000 || pause;
      if (!temporary || !--left || pause > 8_000) throw error; // longer is the page's to show
    } finally {
      leave();
    }
    await new Promise((resolve) => setTimeout(resolve, pause * (1 + Math.random() / 2)));
  }
}

/** All callers of one moment share one exchange. */
export function refresh() {
  const mine = refreshing ?? send('/auth/refresh').finally(() => {
    if (refreshing === mine) refreshing = null;
  });
  return refreshing = mine;
}

export const register = ({ email, password }) => send('/auth/register', '', { email, password });

/** @param {{email: string, password: string, remember?: boolean}} credentials */
export function login({ email, password, remember = false }) {
  overtake();
  return send('/auth/login', '', { email, password, remember });
}

/** The token is gone at once; a rejection means that the server may not know. */
export async function logout() {
  const bearer = token;
  drop('logging_out');
  await send('/auth/logout', bearer);
  channel?.postMessage('logged_out');
  return drop('logged_out', null);
}

/** Runs with a token good for a while, and once more with a new one after 401; never as another user. */
async function authorized(run, first = true, user = state.user) {
  if (over()) throw superseded();
  if (performance.now() > expiresAt - 10_000) await refresh();
  if (user && user.id !== state.user?.id) throw superseded();
  const used = token;
  const answer = await run(used).catch((error) => error);
  if (answer.status === 401 && first) {
    if (token === used) expiresAt = 0;
    return authorized(run, false, user);
  }
  if (answer instanceof Error) throw answer;
  return answer;
}

/** @param {{current_password: string, new_password: string}} passwords */
export const changePassword = ({ current_password, new_password }) =>
  authorized((bearer) => send('/auth/password', bearer, { current_password, new_password }));

/**
 * fetch() with the access token, to this origin only. Any answer is returned, a second 401 too.
 * @param {string | URL} input @param {RequestInit} [init] @returns {Promise<Response>}
 */
export async function authorizedFetch(input, init = {}) {
  const { origin, href } = new URL(input, location.href);
  if (origin !== location.origin || (typeof input !== 'string' && !(input instanceof URL))) {
    throw new TypeError('Not a URL of this origin.');
  }
  return authorized((bearer) => request(href, init, bearer));
}

/** Calls with the state now and after each change. @param {(state: State) => void} listener */
export function onChange(listener) {
  changes.addEventListener('change', () => listener(state));
  listener(state);
}

channel?.addEventListener('message', ({ data }) => {
  if (data === 'logged_out') drop('logged_out', null);
  else if (state.user) drop('changed');
});

// A page kept by the back/forward cache keeps no token, and comes back unsure.
addEventListener('pagehide', () => drop('hidden'));
addEventListener('pageshow', ({ persisted }) => {
  if (persisted && state.user) refresh().catch(() => {}); // listeners learn how it went
});
