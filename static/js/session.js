/**
 * The browser's half of a session. The access token lives in one variable of
 * this module; the refresh token lives in a cookie no script can read. Nothing
 * here touches the DOM or a storage API, and importing it sends nothing.
 *
 * What handles the token is taken from the platform at load, so patching a
 * built-in later does not reveal it. That is hygiene, not a wall: script in this
 * page can still act as the user, or ask for a token itself, while it is open.
 */

/** @import { Problem, TokenAnswer } from './types.d.ts' */
/**
 * @typedef {Readonly<{
 *   status: 'unknown' | 'logged_in' | 'logged_out',
 *   expiresAt: number | null,
 *   user: Readonly<TokenAnswer['user']> | null,
 *   session: Readonly<TokenAnswer['session']> | null,
 *   reason: string | null,
 * }>} State `expiresAt` is on the clock of performance.now(), in milliseconds
 * @typedef {{sent: number, status: number, retryAfter: number | null, data: any}} Answer
 */

const { apply, getOwnPropertyDescriptor } = Reflect;
const { fetch, setTimeout, Headers, URL } = globalThis;
const { parse, stringify } = JSON;
const { freeze } = Object;
const { text } = Response.prototype;
const { get: headerOf } = Headers.prototype;
/** @param {object} prototype @param {string} name @returns {(of: object) => any} */
const reader = (prototype, name) => {
  const read = /** @type {() => any} */ (getOwnPropertyDescriptor(prototype, name)?.get);
  return (of) => apply(read, of, []);
};
const statusOf = reader(Response.prototype, 'status');
const headersOf = reader(Response.prototype, 'headers');
const originOf = reader(URL.prototype, 'origin');
const hrefOf = reader(URL.prototype, 'href');
const home = location.origin;
const now = performance.now.bind(performance);

const REQUEST_MS = 15_000; // each request's own timeout
const LOCK_MS = 5_000; // how long another tab is waited for
const NEARLY_MS = 10_000; // a token this close to its end is not used
const TRIES = 3;
const LONGEST_WAIT_MS = 8_000; // a longer Retry-After is the page's to show
const STRICT = freeze({ credentials: 'same-origin', mode: 'same-origin', cache: 'no-store', redirect: 'error' });

/** @type {string | null} */ let token = null;
/** @type {Promise<State> | null} */ let refreshing = null;
/** @type {Set<(state: State) => void>} */ const listeners = new Set();
/** @type {State} */
let state = freeze({ status: 'unknown', expiresAt: null, user: null, session: null, reason: null });
let expiresAt = 0;
let epoch = 0; // an answer to a request of an earlier epoch is not adopted
let halt = new AbortController();

/**
 * Why a call failed. `code` is the server's, or `unreachable` (no answer came),
 * `user_changed` (someone else is logged in here by now) or `superseded` (a
 * login or logout overtook the call). Only `session_ended` means logged out;
 * when `temporary`, the same call may succeed later.
 */
export class SessionError extends Error {
  /** @param {string} code @param {Partial<Problem>} [problem] @param {number | null} [retryAfter] seconds */
  constructor(code, { detail = code, status = 0, reasons = [] } = {}, retryAfter = null) {
    super(detail);
    this.name = 'SessionError';
    this.code = code;
    this.status = status;
    this.reasons = reasons;
    this.retryAfter = retryAfter;
    this.temporary = code === 'unreachable' || status === 429 || status >= 500;
  }
}

const unreachable = () => new SessionError('unreachable', { detail: 'The server could not be reached.' });
const ended = () => new SessionError('session_ended', { detail: 'Your session has ended.' });
const superseded = () =>
  state.status === 'logged_out' ? ended() : new SessionError('superseded', { detail: 'A login or logout came first. Try again.' });

/** @param {Answer} answer */
const refusal = ({ status, data, retryAfter }) =>
  new SessionError(data?.code ?? 'unexpected', { detail: data?.detail ?? 'The server gave an unexpected answer.', status, reasons: data?.reasons }, retryAfter);

/** @param {State['status']} status @param {string | null} reason @param {TokenAnswer} [answer] */
function publish(status, reason, answer) {
  const kept = status === 'logged_out' ? null : answer ?? state;
  const { user = null, session = null } = kept ?? {};
  state = freeze({
    status,
    reason,
    expiresAt: token === null ? null : expiresAt,
    user: user && freeze({ id: user.id, email: user.email }),
    session: session && freeze({ id: session.id, expires_at: session.expires_at }),
  });
  for (const listener of [...listeners]) {
    try {
      listener(state);
    } catch (error) {
      reportError(error);
    }
  }
  return state;
}

/** Answers still under way belong to the past from here on. */
function overtake() {
  epoch += 1;
  refreshing = null;
  halt.abort();
  halt = new AbortController();
}

/** @param {State['status']} status @param {string} reason */
function drop(status, reason) {
  overtake();
  token = null;
  publish(status, reason);
}

/** @param {Answer} answer */
function adopt({ sent, status, data, retryAfter }) {
  const valid = typeof data?.access_token === 'string' && data.expires_in > 0 && data.user && data.session;
  if (status !== 200 || !valid) throw refusal({ sent, status, data, retryAfter });
  const stranger = state.user !== null && state.user.id !== data.user.id;
  token = data.access_token;
  expiresAt = sent + data.expires_in * 1000; // from sending on: early rather than late
  return publish('logged_in', stranger ? 'user_changed' : null, data);
}

/**
 * One POST. Its record has no prototype, so a `then` planted on Object.prototype
 * never sees it; `keepalive` lets a new cookie arrive although the page is left.
 * @param {string} path @param {object | null} [body] @param {string | null} [bearer]
 * @returns {Promise<Answer>}
 */
async function send(path, body = null, bearer = null) {
  /** @type {any} */
  const headers = { __proto__: null, accept: 'application/json' };
  if (body) headers['content-type'] = 'application/json';
  if (bearer) headers.authorization = `Bearer ${bearer}`;
  const signal = AbortSignal.any([halt.signal, AbortSignal.timeout(REQUEST_MS)]);
  const init = { __proto__: null, ...STRICT, method: 'POST', keepalive: true, headers, signal, body: body && stringify(body) };
  const sent = now();
  let response, raw;
  try {
    response = await fetch(path, /** @type {any} */ (init));
    raw = await apply(text, response, []);
  } catch {
    throw unreachable();
  }
  let data = null;
  try {
    data = parse(raw);
  } catch {} // a proxy's own page: the status says enough
  const after = Number(apply(headerOf, headersOf(response), ['retry-after']));
  const answer = { __proto__: null, sent, status: statusOf(response), data, retryAfter: after > 0 ? after : null };
  return /** @type {any} */ (answer);
}

/**
 * Lets one tab at a time change the cookie. Only an optimisation: without the
 * lock, or when it is not had in time, the work is done all the same.
 * @param {() => Promise<Answer>} work @returns {Promise<Answer>}
 */
async function inTurn(work) {
  let entered = false;
  try {
    return await navigator.locks.request('latchkey', { signal: AbortSignal.timeout(LOCK_MS) }, () => {
      entered = true;
      return work();
    });
  } catch (error) {
    if (entered) throw error;
    return work();
  }
}

/**
 * Repeats what may help to repeat (no answer, 429, 5xx), a few times, apart.
 * @param {() => Promise<Answer>} work @param {(answer: Answer) => State} finish
 */
async function persist(work, finish) {
  const begun = epoch;
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await inTurn(async () => {
        if (epoch !== begun) throw superseded();
        return work();
      });
      if (epoch !== begun) throw superseded();
      return finish(answer);
    } catch (error) {
      if (epoch !== begun) throw superseded();
      if (!(error instanceof SessionError) || !error.temporary || tries === TRIES) throw error;
      const wait = error.retryAfter === null ? 300 * 2 ** tries : error.retryAfter * 1000;
      if (wait > LONGEST_WAIT_MS) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait * (1 + Math.random() / 2)));
    }
  }
}

/** @param {'logged_out' | 'changed'} news the only two words that leave this tab */
const tell = (news) => channel?.postMessage(news);

/**
 * Exchanges the refresh token for its successor and a new access token. All
 * callers of one moment share one exchange.
 * @returns {Promise<State>}
 */
export function refresh() {
  if (refreshing) return refreshing;
  const mine = persist(
    () => send('/auth/refresh'),
    (answer) => {
      if (answer.status === 401 && answer.data?.code === 'session_ended') drop('logged_out', 'session_ended');
      return adopt(answer);
    },
  );
  const done = () => {
    if (refreshing === mine) refreshing = null;
  };
  mine.then(done, done);
  refreshing = mine;
  return mine;
}

/** @param {{email: string, password: string, remember?: boolean}} credentials @returns {Promise<State>} */
export async function login({ email, password, remember = false }) {
  overtake();
  const begun = epoch;
  const answer = await inTurn(() => send('/auth/login', freeze({ __proto__: null, email, password, remember })));
  if (epoch !== begun) throw superseded();
  const entered = adopt(answer);
  tell('changed');
  return entered;
}

/**
 * Ends this session on the server. The token is gone at once; a rejection means
 * that the server could not be told and the session may still live.
 * @returns {Promise<State>}
 */
export function logout() {
  const bearer = token;
  drop('unknown', 'logging_out');
  return persist(
    () => send('/auth/logout', null, bearer),
    (answer) => {
      if (answer.status !== 204) throw refusal(answer);
      drop('logged_out', 'logged_out');
      tell('logged_out');
      return state;
    },
  );
}

/**
 * Runs a request with a token that is good for a while, and once more with a new
 * one if the answer is 401; never as anybody but who was logged in at the start.
 * @template T @param {() => Promise<T>} run @param {(answer: T) => number} status
 */
async function authorized(run, status) {
  const { user } = state;
  for (let first = true; ; first = false) {
    if (state.status === 'logged_out') throw ended();
    if (token === null || now() > expiresAt - NEARLY_MS) await refresh();
    if (user && user.id !== state.user?.id) throw new SessionError('user_changed', { detail: 'Someone else is logged in here by now.' });
    const used = token;
    const answer = await run();
    if (status(answer) !== 401 || !first) return answer;
    if (token === used) token = null;
  }
}

/**
 * Changes the password and goes on in the new family that comes back; every
 * other session of the user has ended by then.
 * @param {{current_password: string, new_password: string}} passwords @returns {Promise<State>}
 */
export async function changePassword({ current_password, new_password }) {
  const begun = epoch;
  const body = freeze({ __proto__: null, current_password, new_password });
  const answer = await authorized(() => inTurn(() => send('/auth/password', body, token)), ({ status }) => status);
  if (epoch !== begun) throw superseded();
  if (answer.status === 200) overtake();
  const changed = adopt(answer);
  tell('changed');
  return changed;
}

/**
 * fetch() with the access token, to this origin only. Any answer is returned,
 * a second 401 too; rejects with a SessionError when there is no session or no
 * connection, with a TypeError for another origin.
 * @param {string | URL} input @param {RequestInit} [init] @returns {Promise<Response>}
 */
export async function authorizedFetch(input, init = {}) {
  if (typeof input !== 'string' && !(input instanceof URL)) throw new TypeError('authorizedFetch takes a string or a URL.');
  const url = new URL(input, location.href);
  if (originOf(url) !== home) throw new TypeError('authorizedFetch sends the token to its own origin only.');
  return authorized(async () => {
    /** @type {any} */
    const headers = { __proto__: null };
    new Headers(init.headers).forEach((value, name) => {
      headers[name] = value;
    });
    headers.authorization = `Bearer ${token}`;
    const signals = [AbortSignal.timeout(REQUEST_MS), ...(init.signal ? [init.signal] : [])];
    try {
      return await fetch(hrefOf(url), /** @type {any} */ ({ __proto__: null, ...init, ...STRICT, headers, signal: AbortSignal.any(signals) }));
    } catch (error) {
      throw init.signal?.aborted ? error : unreachable();
    }
  }, statusOf);
}

/**
 * Calls the listener with the state as it is and after each change.
 * @param {(state: State) => void} listener @returns {() => void} stops it
 */
export function onChange(listener) {
  listeners.add(listener);
  listener(state);
  return () => void listeners.delete(listener);
}

const channel = globalThis.BroadcastChannel ? new BroadcastChannel('latchkey') : null;
channel?.addEventListener('message', ({ data }) => {
  if (data === 'logged_out') drop('logged_out', 'logged_out_elsewhere');
  else if (state.user) drop('unknown', 'changed');
});

// A page kept by the back/forward cache keeps no token, and comes back unsure.
addEventListener('pagehide', () => {
  epoch += 1; // a refresh under way is left to finish: its cookie counts
  refreshing = null;
  token = null;
  if (state.status === 'logged_in') publish('unknown', 'hidden');
});
addEventListener('pageshow', ({ persisted }) => {
  if (persisted && state.user) refresh().catch(() => {}); // listeners learn how it went
});
