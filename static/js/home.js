/** The story of a session on the home page: six steps, played once by itself and whenever asked. */

import { find, findAll } from './dom.js';
import { split } from './split.js';

const root = find('[data-split]');
const { show, fly, drain, set } = split(root);
const MEMORY = '[data-slot=memory]', JAR = '[data-slot=jar]', SERVER = '[data-rail]', THIEF = '[data-intruder]';
const LIFE = 600; // seconds of an access token
const PAUSE = 2600; // ms between two steps

/**
 * @typedef {object} Step
 * @property {string} wire what is sent and answered
 * @property {string} text what happens
 * @property {number} left seconds that the access token has left then
 * @property {import('./split.js').SplitState} state
 * @property {['live' | 'thief', string, string, string][]} moves which tokens travel: kind, name, from, to
 * @property {string} [thief] what the thief does
 */

/** @type {Step[]} */
const STORY = [
	{
		wire: 'POST /auth/login → 200', left: 600,
		text: 'You log in. A1 goes into memory, R1 goes into the cookie jar.',
		state: { access: 'A1', refresh: 'R1', rail: ['R1'], wire: { memory: '← A1', jar: '← R1' } },
		moves: [['live', 'A1', SERVER, MEMORY], ['live', 'R1', SERVER, JAR]],
	},
	{
		wire: 'GET /api/me · Authorization: DPoP A1 → 200', left: 214,
		text: 'The page uses A1 for ten minutes. It never sees R1.',
		state: { access: 'A1', refresh: 'R1', rail: ['R1'], wire: { memory: 'A1 →' } },
		moves: [['live', 'A1', MEMORY, SERVER]],
	},
	{
		wire: 'POST /auth/refresh · Cookie: R1 → 200 R2', left: 600,
		text: 'A1 is about to end. The browser hands in R1 and gets R2. R1 is spent.',
		state: { access: 'A2', refresh: 'R2', rail: ['R1', 'R2'], wire: { jar: 'R1 → R2' } },
		moves: [['live', 'R1', JAR, SERVER], ['live', 'R2', SERVER, JAR]],
	},
	{
		wire: 'POST /auth/refresh · Cookie: R2 → 200 R3', left: 581,
		text: 'Each refresh spends one token and brings the next. R1 and R2 open nothing any more.',
		state: { access: 'A3', refresh: 'R3', rail: ['R1', 'R2', 'R3'], wire: { jar: 'R2 → R3' } },
		moves: [['live', 'R2', JAR, SERVER], ['live', 'R3', SERVER, JAR]],
	},
	{
		wire: 'POST /auth/refresh · Cookie: R1 → 401 session_ended', left: 402,
		text: 'A thief presents R1. It is spent, so somebody holds a copy.', thief: 'presents it days later.',
		state: { access: 'A3', refresh: 'R3', rail: ['R1', 'R2', 'R3'], thief: 'R1' },
		moves: [['thief', 'R1', THIEF, SERVER]],
	},
	{
		wire: 'UPDATE families SET revoked_reason = reuse', left: 0,
		text: 'Nobody can tell who is the thief. The family ends for both. Only the password opens a new one.',
		thief: 'is locked out too.',
		state: { access: 'A3', refresh: 'R3', rail: ['R1', 'R2', 'R3'], thief: 'R1', ended: true, wire: { memory: '401', jar: '401' } },
		moves: [],
	},
];
const LAST = STORY.length - 1;

let at = 3;
let left = 581;
/** The timer of the next step; 0 while the story stands. */
let playing = 0;

/** Goes to a step. @param {number} to */
async function go(to) {
	const step = STORY[to];
	if (!step) return;
	at = to;
	for (const button of findAll('.steps button', root)) button.ariaCurrent = Number(button.value) === to ? 'step' : null;
	set('[data-say=wire]', step.wire);
	set('[data-say=text]', step.text);
	set('[data-say=thief]', step.thief ?? 'holds a copy from a backup.');
	find(THIEF, root).toggleAttribute('data-idle', !step.thief);
	const before = STORY[to - 1];
	if (before) show(before.state);
	for (const [kind, name, from, target] of step.moves) await fly(name, kind, from, target);
	if (at !== to) return; // another step was chosen meanwhile
	show(step.state);
	drain(left = step.left, LIFE);
}

function stop() {
	clearTimeout(playing);
	playing = 0;
	set('[data-play] span', 'Play');
}

function play() {
	set('[data-play] span', 'Pause');
	if (at === LAST) at = -1;
	const next = async () => {
		await go(at + 1);
		if (!playing) return;
		if (at === LAST) stop();
		else playing = setTimeout(next, PAUSE);
	};
	playing = setTimeout(next);
}

root.addEventListener('click', (/** @type {any} */ { target }) => {
	const button = target.closest('button');
	if (!button) return;
	const wasPlaying = playing;
	stop();
	if (!button.matches('[data-play]')) go(Number(button.value));
	else if (!wasPlaying) play();
});

setInterval(() => left > 0 && drain(left -= 1, LIFE), 1000);

for (const hidden of findAll('.steps, [data-play]', root)) hidden.hidden = false;
drain(left, LIFE);

// By itself once, when it is seen, and only for those who do not mind.
if (!matchMedia('(prefers-reduced-motion: reduce)').matches) {
	new IntersectionObserver((seen, observer) => {
		if (!seen.some((entry) => entry.isIntersecting)) return;
		observer.disconnect();
		at = LAST;
		playing = setTimeout(play, 900);
	}, { threshold: 0.6 }).observe(root);
}
