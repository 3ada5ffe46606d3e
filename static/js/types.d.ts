// Printed by `flask --app wsgi types`. Do not edit.

/** The claim `cnf` (RFC 9449): the thumbprint of the key that signs a bound token's proofs. */
export interface Confirmation {
  jkt: string;
}

/** The claims of an access token (RFC 9068). All times are whole seconds, UTC. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly sid: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  readonly auth_time: number;
  readonly cnf?: Confirmation | null;
  readonly amr?: readonly string[] | null;
}

/** The claims of a refresh token, which can be used once. All times are whole seconds, UTC. */
export interface RefreshTokenClaims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly family_id: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
}

/** All refresh tokens that descend from one log-in; all times are seconds, UTC. */
export interface RefreshFamilyRecord {
  readonly family_id: string;
  readonly user_id: string;
  readonly jti: string;
  readonly previous_jti: string | null;
  readonly generation: number;
  readonly created_at: number;
  readonly rotated_at: number;
  readonly last_used_at: number;
  readonly idle_expires_at: number;
  readonly absolute_expires_at: number;
  readonly remembered: boolean;
  readonly ip: string;
  readonly user_agent: string;
  readonly revoked_at: number | null;
  readonly revoked_reason: string | null;
  readonly revoked_ip: string | null;
  readonly jkt: string | null;
  readonly retries: number;
  readonly burst_started_at: number;
  readonly auth_time: number;
  readonly amr: string;
  readonly dismissed_at: number | null;
}

/** One reason why a new password is refused. */
export interface Reason {
  code: string;
  detail: string;
}

/** The body of every JSON refusal (RFC 9457); `code` is stable, `detail` is for people. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  reasons?: Reason[];
  max_age?: number;
}

/** Where the mail goes. */
export interface Address {
  email: string;
}

/** The same for every address, whether or not it has an account. */
export interface MailWritten {
  message: "Look in your mail.";
}

/** The token of the link, and the new password. */
export interface NewPasswordByLink {
  token: string;
  password: string;
}

/** The session that the tokens belong to; `expires_at` is its absolute end, RFC 3339. */
export interface TokenSession {
  id: string;
  expires_at: string;
}

/** The user that the tokens belong to. */
export interface TokenUser {
  id: string;
  email: string;
}

/** A new access token and its session; `expires_in` is in seconds. */
export interface TokenResponse {
  access_token: string;
  token_type: "Bearer" | "DPoP";
  expires_in: number;
  session: TokenSession;
  user: TokenUser;
  password_breached?: boolean;
}

/** Who logs in. */
export interface Credentials {
  email: string;
  password: string;
  remember?: boolean;
}

/** An active session of the user as the API shows it; times are RFC 3339. */
export interface SessionView {
  id: string;
  current: boolean;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  ip: string;
  user_agent: string;
  device: string;
  remembered: boolean;
}

/** The user's active sessions, the latest used first. */
export interface SessionsView {
  sessions: SessionView[];
}

/** The present password and the next one. */
export interface PasswordChange {
  current_password: string;
  new_password: string;
  dpop_jkt?: string;
}

/** The proof of who the caller is. */
export interface Reauthentication {
  password: string;
}

/** The token of the link. */
export interface MailedToken {
  token: string;
}

/** Something that happened to the account; texts are empty where they do not apply. */
export interface ActivityItem {
  id: string;
  at: string;
  event: string;
  reason: string;
  session_id: string | null;
  current: boolean;
  ip: string;
  user_agent: string;
  device: string;
  ended_device: string;
  count: number;
}

/** What happened to the account, the newest first. */
export interface ActivityView {
  activity: ActivityItem[];
  older: string | null;
}

/** A session of the user that was ended because of theft; times are RFC 3339. */
export interface TheftView {
  id: string;
  device: string;
  created_at: string;
  ended_at: string;
  ip: string;
  reason: string;
}

/** The notices of theft, the latest first. */
export interface TheftsView {
  thefts: TheftView[];
}

/** The account. */
export interface ExportedAccount {
  id: string;
  email: string;
  created_at: string;
  password_changed_at: string;
  email_changed_at: string | null;
}

/** A session that is active, or ended lately, or was ended because of theft. */
export interface ExportedSession {
  id: string;
  created_at: string;
  authenticated_at: string;
  authenticated_by: string;
  last_used_at: string;
  refreshed_at: string;
  refreshes: number;
  repeated_refreshes: number;
  idle_until: string;
  expires_at: string;
  remembered: boolean;
  bound: boolean;
  ip: string;
  user_agent: string;
  device: string;
  ended_at: string | null;
  ended_because: string | null;
  ended_from: string | null;
  notice_dismissed_at: string | null;
}

/** Something that happened to the account, as `GET /auth/activity` lists it. */
export interface ExportedActivity {
  id: string;
  at: string;
  event: string;
  reason: string;
  session_id: string | null;
  ip: string;
  user_agent: string;
  device: string;
  ended_user_agent: string;
  count: number;
}

/** A message about the account, or to its address; its text and its link are not kept. */
export interface ExportedMessage {
  kind: string;
  address: string;
  created_at: string;
  ip: string;
  user_agent: string;
  device: string;
  tries: number;
  next_try_at: string | null;
  sent_at: string | null;
  given_up_at: string | null;
  failure: string;
  link_used_at: string | null;
}

/** All that is kept about the caller; `features` has what each feature of the product keeps. */
export interface Export {
  exported_at: string;
  account: ExportedAccount;
  sessions: ExportedSession[];
  activity: ExportedActivity[];
  messages: ExportedMessage[];
  features: Record<string, unknown>;
}

/** The session that the access token belongs to; times are RFC 3339. */
export interface AccountSession {
  id: string;
  created_at: string;
  expires_at: string;
}

/** The caller's account and session. */
export interface AccountView {
  id: string;
  email: string;
  created_at: string;
  session: AccountSession;
}

/** The process is alive. */
export interface Healthy {
  status: "ok";
}

/** The application serves; a part that does not answer is named. */
export interface Ready {
  status: "ok" | "degraded";
  failing?: "redis"[];
}

/** The application cannot serve, and which parts do not answer. */
export interface Failing {
  status: "unavailable";
  failing: ("database" | "redis")[];
}
