/** Instants and durations in words. */

const UNITS: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** `2 h 5 min`: the two largest units that say something. */
export function duration(ms: number): string {
  if (ms <= 0) return '0 s';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toString()} s`;
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || parts.length > 0) parts.push(count > 0 ? `${count} ${unit}` : '');
    if (parts.length === 2) break;
  }
  return parts.filter((part) => part !== '').join(' ');
}

/** How long ago, or how far ahead. */
export function relative(instant: number, now: number): string {
  const ms = now - instant;
  if (Math.abs(ms) < 1500) return 'now';
  const rounded = Math.abs(ms) < 60_000 ? Math.round(Math.abs(ms) / 1000) * 1000 : Math.abs(ms);
  const words = rounded < 10_000 ? `${rounded / 1000} s` : duration(rounded).split(' ').slice(0, 2).join(' ');
  return ms > 0 ? `${words} ago` : `in ${words}`;
}

/** A countdown: `04:59`, `1:02:03`, `2 d 3 h`. */
export function countdown(ms: number): string {
  if (ms <= 0) return '00:00';
  if (ms >= 86_400_000) return duration(ms);
  const seconds = Math.ceil(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

/** Date and time where the reader is, or in a zone; the zone's own short name beside it. */
export function absolute(text: string, timeZone?: string): string {
  const options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' };
  return new Intl.DateTimeFormat('en-GB', timeZone ? { ...options, timeZone } : options).format(Date.parse(text));
}

/** Only the time of the day, with milliseconds where they tell events apart. */
export function timeOfDay(text: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  }).format(Date.parse(text));
}

/** `Mon 1 Dec, 02:30`, for slots that come. */
export function slotTime(text: string, timeZone?: string): string {
  const options: Intl.DateTimeFormatOptions = {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  };
  return new Intl.DateTimeFormat('en-GB', timeZone ? { ...options, timeZone } : options).format(Date.parse(text));
}

/** The zone of this browser. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let [value, place] = [count / 1024, 0];
  while (value >= 1024 && place < units.length - 1) [value, place] = [value / 1024, place + 1];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[place]}`;
}
