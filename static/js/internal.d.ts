/** The types that the modules behind session.js share. No page loads this file. */

/** A key of this browser, as dpop.js gives it out: it signs, and it cannot be copied. */
export interface Key {
  /** The thumbprint of the public key (RFC 7638). */
  readonly thumbprint: string;
  /** Its name in the store. */
  readonly name: IDBValidKey;
  /**
   * Proves that this browser sends one request (RFC 9449).
   *
   * @param url relative to the page, or absolute
   * @param token the access token that the request carries
   * @returns the value of the DPoP header
   */
  prove(method: string, url: string, token?: string): Promise<string>;
  /** Stores it as the only key. A log-in also ends the wish to log out. */
  promote(isLogin: boolean): Promise<unknown>;
}

/** `since` marks a pending key: when it was made, in milliseconds by Date.now(). */
export type StoredKey = CryptoKeyPair & { since?: number };

/**
 * It has no prototype, and no object that leads to it has one: a property that is missing is looked
 * up on Object.prototype, where script can plant a getter that is handed the object. Each promise
 * looks for `then` in this way.
 */
export interface AccessToken {
  readonly type: 'Bearer' | 'DPoP';
  readonly value: string;
  /** The key that it is bound to; null for the type `Bearer`. */
  readonly key: Key | null;
}

/**
 * Which key proves a request:
 * - `none`: no key.
 * - `current`: the key that this browser's session is bound to.
 * - `pending`: a new key, which becomes the current one once the server has accepted it.
 * - `handover`: the access token's key. The body names a new key, which takes its place.
 */
export type Proof = 'none' | 'current' | 'pending' | 'handover';

/** An endpoint that opens an account, or begins or continues a session. All are asked by POST. */
export interface Endpoint {
  readonly path: string;
  /** How often a request is sent at most, while sending it again may help. */
  readonly attempts: number;
  /** Whether one tab at a time sends it. */
  readonly tabLock: boolean;
  readonly proof: Proof;
}

export interface Answer {
  readonly response: Response;
  /** Its JSON object; an empty one where there is none. */
  readonly data: any;
  /** The key that the session is bound to from now on, if it is bound to one. */
  readonly key: Key | null;
  /** When the request was sent, in milliseconds by performance.now(). */
  readonly sentAt: number;
}

/** What the session has to say about a request to an endpoint. */
export interface Hooks<T> {
  /** Throws when the request is not to be sent any more. It runs last before each attempt. */
  beforeSending(): Promise<void>;
  /** Takes the answer over, while no other tab is at it. */
  accept(answer: Answer): T;
}
