/**
 * The picture of this session's tokens, their history and the timeline: they show what this document
 * really sends. account.js loads it when they come into view.
 */

import { element, find } from '../dom.js';
import { onChange, onRequest } from '../session.js';
import { split } from '../split.js';
import { access, nameTokens, rail } from './exchanges.js';
import { line, timeOfDay } from './timeline.js';

/** @typedef {import('./exchanges.js').Exchange} Exchange */

const MAX_LINES = 20;
const MEMORY = '[data-slot=memory]', JAR = '[data-slot=jar]', SERVER = '.far';

/** The newest first. @type {Exchange[]} */
const exchanges = [];
/** What is on the page. @type {{ root: HTMLElement, picture: ReturnType<typeof split> } | null} */
let shown = null;
let ends = 0;
let moving = Promise.resolve();

onChange(({ expiresAt }) => {
	ends = expiresAt;
});

onRequest((record) => {
	const exchange = nameTokens(record);
	exchanges.unshift(exchange);
	exchanges.splice(MAX_LINES);
	if (!shown) return;
	const list = find('.log-body', shown.root);
	list.prepend(line(exchange));
	if (list.children.length > MAX_LINES) list.lastElementChild.remove();
	moving = moving.then(() => move(exchange));
});

/** Lets the tokens of a request travel, then shows where they are. @param {Exchange} exchange */
async function move({ cookie, bearer, newCookie, newBearer }) {
	if (!shown) return;
	const { fly } = shown.picture;
	const isSeen = !document.hidden;
	if (isSeen && bearer) await fly(bearer, 'live', MEMORY, SERVER);
	if (isSeen && newCookie && cookie) await fly(cookie, 'live', JAR, SERVER);
	if (isSeen && newCookie) await fly(newCookie, 'live', SERVER, JAR);
	if (isSeen && newBearer) await fly(newBearer, 'live', SERVER, MEMORY);
	/** @type {{ memory?: string, jar?: string }} */
	const wire = {};
	if (newBearer) wire.memory = `← ${newBearer}`;
	else if (bearer) wire.memory = `${bearer} →`;
	if (newCookie) wire.jar = `${cookie} → ${newCookie}`.trim();
	showTokens(wire);
}

/** @param {{ memory?: string, jar?: string }} [wire] what travels */
function showTokens(wire) {
	if (!shown) return;
	const { root, picture } = shown;
	picture.show({ access: access(), refresh: rail.at(-1)?.name ?? '', rail: rail.map(({ name }) => name), wire });
	[...find('[data-rail]', root).children].forEach((item, at) => {
		item.append(element('small', rail[at]?.at ? timeOfDay(rail[at].at).slice(0, 5) : 'before'));
	});
	tick();
}

function tick() {
	if (!shown) return;
	const life = Number(find('[data-life]', shown.root).dataset.life);
	shown.picture.drain(Math.max(ends - performance.now(), 0) / 1000, life);
}
setInterval(tick, 1000);

/** @param {HTMLElement} root */
export default (root) => {
	shown = { root, picture: split(find('[data-split]', root)) };
	find('.log-body', root).replaceChildren(...exchanges.map(line));
	showTokens();
};
