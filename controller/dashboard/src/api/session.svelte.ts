/** Who is signed in, and what they may do. */
import { session as requests, prompts } from './api';
import { setBearer, bearer } from './bearer';
import { onSignedOut, setCsrf } from './http';
import { asRefusal, type Refusal } from './refusal';
import type { Principal, Provider, Session, Verb } from './types';

const EVERYTHING: Verb[] = ['view', 'run', 'answer', 'cancel', 'resolve', 'pause', 'administer', 'adhoc', 'audit'];

export type Standing =
  | { is: 'asking' }
  | { is: 'out'; providers: Provider[]; message: string | null }
  | { is: 'in'; principal: Principal; rights: Verb[] }
  /** Nobody can say: the controller does not answer, or cannot serve yet. */
  | { is: 'away'; refusal: Refusal };

class Who {
  standing = $state.raw<Standing>({ is: 'asking' });

  constructor() {
    onSignedOut(() => {
      if (this.standing.is === 'in') void this.look('Your session is over: sign in again to go on where you were.');
    });
  }

  get name(): string {
    return this.standing.is === 'in' ? this.standing.principal.name : '';
  }

  can(verb: Verb): boolean {
    return this.standing.is === 'in' && this.standing.rights.includes(verb);
  }

  /** Asks the controller who we are. */
  async look(message: string | null = null): Promise<void> {
    try {
      this.#enter(await requests.read());
    } catch (thrown) {
      const refusal = asRefusal(thrown);
      if (refusal.status === 404 || (refusal.status === 401 && bearer() !== null)) return this.#lookWithBearer(message);
      if (refusal.status === 401) this.#out(message, refusal);
      else this.standing = { is: 'away', refusal };
    }
  }

  /** Signs in with a token; throws the refusal where it is not valid. */
  async signIn(token: string): Promise<void> {
    try {
      this.#enter(await requests.open(token));
    } catch (thrown) {
      // A controller without sessions: each request brings the token.
      if (asRefusal(thrown).status !== 404) throw thrown;
      await this.#enterWithBearer(token);
    }
  }

  async signOut(): Promise<void> {
    if (bearer() === null) await requests.close();
    setBearer(null);
    this.standing = { is: 'out', providers: [], message: 'You are signed out.' };
    await this.look('You are signed out.');
  }

  #enter(session: Session): void {
    setCsrf(session.csrf);
    this.standing = { is: 'in', principal: session.principal, rights: session.rights };
  }

  #out(message: string | null, refusal: Refusal | null): void {
    const providers = Array.isArray(refusal?.fields['providers']) ? (refusal.fields['providers'] as Provider[]) : [];
    this.standing = { is: 'out', providers, message };
  }

  async #lookWithBearer(message: string | null): Promise<void> {
    const token = bearer();
    if (token === null) return this.#out(message, null);
    try {
      await this.#enterWithBearer(token);
    } catch (thrown) {
      const refusal = asRefusal(thrown);
      if (refusal.status === 401) this.#out(message, null);
      else this.standing = { is: 'away', refusal };
    }
  }

  async #enterWithBearer(token: string): Promise<void> {
    setBearer(token);
    try {
      await prompts.list({ limit: 1 });
    } catch (thrown) {
      if (asRefusal(thrown).status === 401) setBearer(null);
      throw thrown;
    }
    this.standing = { is: 'in', principal: { name: 'admin', kind: 'token' }, rights: EVERYTHING };
  }
}

export const who = new Who();
