/** Times in the reader's words and zone; the exact one stays in `title`. */

const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const units = [['day', 86400], ['hour', 3600], ['minute', 60]];

/** @param {Date} date */
export function relative(date) {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return words.format(Math.round(seconds / size), unit);
  }
  return seconds > 0 ? 'in less than a minute' : 'just now';
}

/** @param {ParentNode} root */
export function tell(root) {
  for (const element of root.querySelectorAll('time')) {
    const date = new Date(Number(element.dataset.epoch) * 1000 || element.dateTime);
    element.textContent = relative(date);
    element.title = exact.format(date);
  }
}
