/**
 * The types of the scripts beside this file, by which they are checked. No page loads it. It exports
 * nothing, so that each script can name them without an import.
 */

type TokenResponse = import('./types.d.ts').TokenResponse;
type NewPasswordByLink = import('./types.d.ts').NewPasswordByLink;
type TokenUser = import('./types.d.ts').TokenUser;

// -- what session.js takes and gives ----------------------------------------------------------

interface Credentials {
  email: string;
  password: string;
}

/**
 * - `unknown`: the server has not been asked yet; the first request finds out.
 * - `logged_in`: there is an access token.
 * - `changed`: another session has begun in this browser, perhaps another user's.
 * - `hidden`: the page was left. When it comes back, its first request gets a new token.
 * - `logging_out`: the token is gone, and the server is being told.
 * - `logout_pending`: the server could not be told yet; it is told as soon as it can be reached.
 * - `logged_out`: the server has heard.
 * - `session_ended`: the server says that the session has ended, or that there is none.
 */
type Status =
  | 'unknown' | 'logged_in' | 'changed' | 'hidden'
  | 'logging_out' | 'logout_pending' | 'logged_out' | 'session_ended';

interface State {
  readonly status: Status;
  /** Who is logged in, or was last; null when nobody is known. */
  readonly user: TokenUser | null;
  /** The end of the access token in milliseconds by performance.now(); 0 without one. */
  readonly expiresAt: number;
  /** Whether the state is that of a log-in whose password is known from a breach: ask to change it. */
  readonly passwordBreached: boolean;
}

type Listener = (state: State) => void;

/**
 * What a page may know of a request that the module sent. Script can read it, and replace the platform's
 * functions that it passes through, so it has no credential, no header's value and no body.
 */
interface RequestRecord {
  readonly method: string;
  /** As it was asked for: relative to the page, or absolute. */
  readonly url: string;
  /** In milliseconds by performance.now(). */
  readonly sentAt: number;
  readonly endedAt: number;
  /** Of HTTP; 0 without an answer. */
  readonly status: number;
  /** Whether the module attached a proof: the header DPoP. */
  readonly isProven: boolean;
  /**
   * Which access token the module attached in the header Authorization: 3 is the third one that this
   * document got. undefined without one.
   */
  readonly token: number | undefined;
}

type RequestListener = (record: RequestRecord) => void;

/**
 * Calls `listener` with the latest requests of this document, at most 50, the oldest first, and then with
 * each request when it has ended. What a listener throws does not reach the request. Where nobody listens,
 * nothing but the 50 records is kept.
 */
type OnRequest = (listener: RequestListener) => void;

/** What calls that ask the server reject with: a SessionError. */
interface Rejection extends Error {
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** Of HTTP; 0 without an answer. */
  readonly status: number;
  /** In seconds; 0 when the server did not say. */
  readonly retryAfter: number;
}

// -- the session ------------------------------------------------------------------------------

/**
 * It has no prototype, and no object that leads to it has one: a property that is missing is looked
 * up on Object.prototype, where script can plant a getter that is handed the object. Each promise
 * looks for `then` in this way.
 */
interface AccessToken {
  readonly type: 'Bearer' | 'DPoP';
  readonly value: string;
  /** The key that it is bound to; null for the type `Bearer`. */
  readonly key: Key | null;
  /** 3 for the third one of this document. It names the token where its value may not be shown. */
  readonly number: number;
}

/**
 * Runs `act` with an access token, once more with a new one after 401, and a third time when the server
 * wants the password again and the user gave it (RFC 9470). It is never run as another user than the one
 * who was logged in before. What `act` resolves with is an answer, or the state.
 */
type WithToken = <T extends { status: unknown, headers?: Headers }>(
  act: (token: AccessToken) => Promise<T>,
) => Promise<T>;

/**
 * Asks for the password in one dialog, however many callers wait.
 *
 * @param user whose password it is
 * @param prove tells it to the server
 * @throws SessionError `reauthentication_cancelled`; what `prove` rejects with when the session is over
 */
type AskPassword = (user: TokenUser | null, prove: (password: string) => Promise<State>) => Promise<void>;

/** The dialog that is open. Settled with nothing, the requests are sent again. */
interface Question {
  answered: Promise<void>;
  settle(error?: Rejection): void;
}

/**
 * Asks an endpoint. After a later log-in or log-out nothing is sent, and no answer is taken over.
 */
type Ask = (name: EndpointName, bearer?: AccessToken | null, body?: object) => Promise<State>;

/** Asks an endpoint that begins a session; what is under way for another one is dropped. */
type Begin = (name: EndpointName, body: object) => Promise<State>;

/** The status that a log-out leads to; `changed`: another tab finished it, or somebody logged in. */
type LogoutStatus = 'logging_out' | 'logout_pending' | 'logged_out' | 'changed';

/** What tabs tell each other; never a token. */
type Message = 'logging_out' | 'logged_out' | 'changed';

/** The log-out of a page, which `report`s the session's status and tells the other tabs. */
type MakeLogout = (report: (status: LogoutStatus) => void, broadcast: (message: Message) => void) => {
  isUnfinished(): boolean;
  /** A log-in came later, and its session stays. */
  cancel(): void;
  /** The user asks for it. Rejects when the server has not heard of it yet: this goes on. */
  start(token: AccessToken | null): Promise<void>;
  /** Another tab was asked; whichever reaches the server first finishes it. */
  follow(): void;
  /** The wish was found in the store: a page that is gone left it, or another tab is at it. */
  resume(): void;
};

/** A log-out that the server may not have heard of. */
interface Unfinished {
  /** Whether the wish is in the store, so that its absence means something. */
  isStored: boolean;
}

// -- requests ---------------------------------------------------------------------------------

/**
 * Sends one request.
 *
 * @param url of this origin
 * @param init a `signal` in it replaces the time limit of 15 s
 * @param key whose proof goes with it; that of the token when it is left out
 * @returns any answer
 * @throws SessionError `unreachable`
 * @throws what `init.signal` was aborted with
 */
type SendRequest = (
  url: string, init: RequestInit, token: AccessToken | null, key?: Key | null,
) => Promise<Response>;

/**
 * Which key proves a request:
 * - `token`: that of the access token, if there is one.
 * - `current`: the key that this browser's session is bound to.
 * - `pending`: a new key, which becomes the current one once the server has accepted it.
 * - `handover`: likewise, and the body names a new key, which takes its place.
 */
type Proof = 'token' | 'current' | 'pending' | 'handover';

type EndpointName = 'register/finish' | 'login' | 'password' | 'reauthenticate' | 'refresh';

/**
 * An endpoint that begins, continues or confirms a session. It is asked by POST, under
 * /auth and its name, by one tab at a time.
 */
interface Endpoint {
  /** How often a request is sent at most, while sending it again may help. */
  readonly attempts: number;
  readonly proof: Proof;
}

/** A request to an endpoint, and what the session has to say about it. */
interface Call {
  readonly name: EndpointName;
  readonly token: AccessToken | null;
  readonly body?: object;
  /** Throws when the request is not to be sent any more. It runs last before each attempt. */
  beforeSending(): Promise<void>;
  /** Takes the answer over, while no other tab is at it. */
  accept(answer: Answer): State;
}

interface Answer {
  readonly response: Response;
  /** Its JSON object; an empty one where there is none. */
  readonly data: any;
  /** Whether the session that it is about has begun with it. */
  readonly isNew: boolean;
  /** The key that the session is bound to from now on, if it is bound to one. */
  readonly key: Key | null;
  /** When the request was sent, in milliseconds by performance.now(). */
  readonly sentAt: number;
}

/** Sends a call, and again while that may help, with a pause in milliseconds that doubles. */
type SendCall = (call: Call, attempts?: number, pause?: number) => Promise<State>;

/**
 * Runs `act` while no other tab of this browser runs one. It saves requests, and nothing rests on it:
 * a tab that has waited for 20 s, or that has no locks, goes on without.
 */
type WithTabLock = <T>(act: (isAlone: boolean) => Promise<T>) => Promise<T>;

// -- keys -------------------------------------------------------------------------------------

/** A key of this browser, as dpop.js gives it out: it signs, and it cannot be copied. */
interface Key {
  /** The thumbprint of the public key (RFC 7638). */
  readonly thumbprint: string;
  /**
   * Proves that this browser sends one request (RFC 9449).
   *
   * @param url relative to the page, or absolute
   * @param nonce the server's newest
   * @param token the access token that the request carries
   * @returns the value of the DPoP header
   */
  prove(method: string, url: string, nonce: string, token?: string): Promise<string>;
  /** Stores it as the only key. A log-in also ends the wish to log out. */
  promote(isLogin: boolean): Promise<unknown>;
  /** Forgets it: it was not accepted, or its session has ended. It never rejects. */
  discard(): Promise<void>;
}

/** `since` marks a pending key: when it was made, in milliseconds by Date.now(). */
type StoredKey = CryptoKeyPair & { since?: number };

/** Makes a key the only one, or leaves none. A log-in also ends the wish to log out. */
type ReplaceKeys = (pair: CryptoKeyPair | null, isLogin: boolean) => Promise<unknown>;

/** Makes the key of a pair; `name` is that of its record. */
type MakeKey = (pair: CryptoKeyPair, name: IDBValidKey) => Promise<Key>;

/**
 * Returns the key whose proof a refresh needs, and makes one if there is none.
 *
 * @param isAlone whether this tab has the lock, so that no other one is logging in
 * @returns null where no key can be stored: the session is unbound
 * @throws when that cannot be told just now: without a proof a bound session would end
 */
type CurrentKey = (isAlone: boolean) => Promise<Key | null>;

type ResultOf = <T>(request: IDBRequest<T>) => Promise<T>;

/**
 * Runs one transaction of the store: all of it happens, or nothing.
 *
 * @param act returns its last request
 * @returns the result of that request; undefined where nothing can be stored
 * @throws when the database is full, or does not answer just now
 */
type Transact = <T>(act: (store: IDBObjectStore) => IDBRequest<T>, isFirst?: boolean) => Promise<T | undefined>;

// -- pages ------------------------------------------------------------------------------------

type ToText = (text: string) => any;

interface Window {
  trustedTypes?: { createPolicy(name: string, rules: { createHTML: ToText }): { createHTML: ToText } };
}

/** Returns the first such element, of the kind that the caller knows it to be, or null. */
type Find = (selector: string, root?: ParentNode) => any;
type FindAll = (selector: string, root: ParentNode) => any[];

/** Calls `send` with a form's fields when it is submitted. It must not reject. */
type OnSubmit = (form: HTMLFormElement, send: (fields: Record<string, any>) => Promise<unknown>) => void;

/**
 * Shows what is wrong with a form, at its fields and in the summary, and returns whether anything is.
 * `general` is what is wrong when it is about no field.
 */
type ShowFaults = (form: HTMLFormElement, faultOf: FaultOf, general?: string) => boolean;

/** Says what is wrong with a field, if anything is. */
type FaultOf = (field: HTMLInputElement) => string | false | undefined;

/** Says in `output` what is to be said of the password in a field. */
type Judge = (field: HTMLInputElement, output: HTMLElement) => void;

/** Fills in a passphrase; `url` is that of the words to draw from. */
type Suggest = (field: HTMLInputElement, output: HTMLElement, url: string) => Promise<void>;

/** What the buttons of an account page do, by their values; `item` is the list item that a button is in. */
type Acts = Record<string, (item: any) => Promise<unknown>>;
