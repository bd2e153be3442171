/**
 * The administrator's token, for a controller that has no sessions: kept for this tab alone, and gone with it. With sessions there is
 * a cookie that no script can read, and nothing is kept here.
 */
const KEY = 'pulse-token';
let token: string | null = sessionStorage.getItem(KEY);

export function bearer(): string | null {
  return token;
}

export function setBearer(value: string | null): void {
  token = value;
  if (value === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, value);
}
