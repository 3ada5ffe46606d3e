/** @returns {any} */
export const find = (selector, root = document) => root.querySelector(selector);

export function element(tag, ...children) {
	const made = document.createElement(tag);
	made.append(...children);
	return made;
}

/** @type {any} */ const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
export function relative(seconds) {
	const size = Math.abs(seconds);
	if (seconds > -60 && seconds <= 0) return 'just now';
	const [unit, length] = size < 3600 ? ['minute', 60] : size < 86_400 ? ['hour', 3600] : ['day', 86_400];
	return words.format(Math.round(seconds / length), unit);
}

function showFaults(form, faultOf, general = '') {
	const summary = find('.summary');
	const fields = [...form.querySelectorAll('.field input')];
	let faulty = fields.filter((field) => {
		const text = faultOf(field) || '';
		find(`#${field.id}-fault`).textContent = text;
		field.ariaInvalid = text ? 'true' : null;
		return text;
	});
	if (general && !faulty.length) faulty = [fields[0]];
	find('ul', summary).replaceChildren(...faulty.map((field) =>
		element('li', Object.assign(element('a', faultOf(field) || general), { href: `#${field.id}` }))));
	summary.hidden = !faulty.length;
	summary.focus();
	return faulty.length;
}

export function onSubmit(form, send) {
	const button = find('button:not([type])', form);
	const label = button.textContent;
	form.addEventListener('submit', async (event) => {
		event.preventDefault();
		if (button.textContent !== label) return;
		button.textContent = button.dataset.busy;
		await send(Object.fromEntries(new FormData(form)));
		button.textContent = label;
	});
}

export function onFilled(form, send) {
	onSubmit(form, async (data) => {
		for (const peek of form.querySelectorAll('.peek[aria-pressed=true]')) peek.click();
		const check = ({ value, validity, dataset }) => value ? validity.patternMismatch && dataset.wrong : dataset.missing;
		if (showFaults(form, check)) return;
		await send(data).catch(({ code, message, retryAfter }) => {
			const text = retryAfter ? `${message} (Possible again ${relative(retryAfter)}.)` : message;
			showFaults(form, ({ dataset }) => dataset.refusal?.includes(code) && text, text);
		});
	});
	for (const peek of form.querySelectorAll('.peek')) {
		const input = peek.previousElementSibling;
		peek.hidden = false;
		peek.addEventListener('click', () => {
			input.type = input.type === 'text' ? 'password' : 'text';
			peek.ariaPressed = input.type === 'text';
		});
	}
	const suggest = find('.suggest', form);
	if (suggest) advise(find('[data-least]', form), find('.strength', form), suggest);
}

/** A new password's strength, in the page's words. */
function advise(field, said, suggest) {
	const say = () => {
		const { length } = [...field.value];
		const over = length - field.dataset.least;
		const level = over < 0 ? 'short' : new Set(field.value).size < 8 ? 'weak' : over < 6 ? 'good' : 'strong';
		said.dataset.level = level;
		said.textContent = length ? said.dataset[level].replace('#', length) : '';
	};
	field.addEventListener('input', say);
	suggest.hidden = false;
	suggest.addEventListener('click', () => {
		field.value = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
		say();
		if (field.type === 'password') field.nextElementSibling.click();
		field.focus();
	});
}
