/** What the lab's script gets and shows; the server's side is app/attacks. */

export type Verdict = 'held' | 'got_through' | 'inconclusive' | 'skipped';
export type Side = 'here' | 'weakened';

export interface Said {
  kind: 'said';
  text: string;
}

export interface Exchange {
  kind: 'exchange';
  who: string;
  request: string;
  answer: string;
  status: number;
  times: number;
}

export interface Finding {
  kind: 'finding';
  text: string;
  held: boolean;
  by: string;
}

export type Step = Said | Exchange | Finding;

/** One refresh token: the `number`th that was handed out, in the `family`th session. */
export interface Node {
  family: number;
  number: number;
  state: 'current' | 'spent' | 'retried' | 'reused' | 'dead';
}

export interface Run {
  verdict: Verdict;
  why: string;
  steps: Step[];
  picture: Node[];
}

/** The end of one side, after its steps. */
export type End = Omit<Run, 'steps'>;

/** What a run's stream says, line by line; the first line names the variant. */
export type RunEvent =
  | { slug: string; variant: string }
  | { side: Side; at: number; step: Step }
  | ({ side: Side } & End)
  | { run: string };

/** What the stream of all attacks says: the verdict of one attack on one side. */
export interface Score {
  slug: string;
  side: Side;
  verdict: Verdict;
  why: string;
}

/** A finished run, as it is stored. */
export interface FinishedRun extends Record<Side, Run> {
  slug: string;
  variant: string;
}

/** One request with what was said before it and found after it. */
export interface Tick {
  say: string[];
  exchange: Exchange | null;
  findings: Finding[];
}

/** What both sides did at the same moment of the attack; null where one side did nothing. */
export type Row = Record<Side, Tick | null>;

export type Sides = Record<Side, Run>;

/** A request that came in while a browser run was open. */
export interface Seen extends Exchange {
  method: string;
  path: string;
  mode: string;
  cookies: string[];
  set_cookies: string[];
}

/** What the pages of the attacker's window report, each by its name. */
export type Report =
  | { kind: 'said'; from: 'attacker' }
  | { kind: 'said'; from: 'guarded'; ran: string; stopped: string[] }
  | { kind: 'said'; from: 'here'; found: Record<string, string[]> }
  | { kind: 'said'; from: 'weakened'; found: Record<string, string[]> }
  | { kind: 'said'; from: 'planter'; said: string; planted: Record<Side, boolean> };

export type ReportOf<From> = Extract<Report, { from: From }>;

/** The weakened session of a run: how often it was used, and who is logged in by its cookie. */
export interface WeakenedSession {
  used: number;
  name?: string;
}

/** A run in this browser; `attacker` is empty where this machine has no second name. */
export interface BrowserRun {
  run: string;
  attacker: string;
  logged_in: boolean;
  account: { email: string; password: string };
}
