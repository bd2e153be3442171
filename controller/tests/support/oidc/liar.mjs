// An issuer that signs what it is told to, and lies as it is told to: `POST /lie/KIND` says how the next ID token is wrong.
// Usage: node liar.mjs; it prints its URL.
import http from 'node:http';
import { createHmac } from 'node:crypto';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';

const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
const stranger = await generateKeyPair('RS256');
const jwk = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'RS256' };
const pem = await exportSPKI(publicKey);
let lie = 'none';
let nonce = '';

const server = http.createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const url = `http://127.0.0.1:${server.address().port}`;
const base = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

async function token() {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: url, aud: 'pulse', sub: 's1', nonce, iat: now, exp: now + 300,
    preferred_username: 'anna', groups: ['employee'],
  };
  const lies = {
    audience: { aud: 'another' },
    audiences: { aud: ['pulse', 'another'], azp: 'another' },
    issuer: { iss: 'https://evil.example' },
    expired: { exp: now - 600, iat: now - 900 },
    early: { nbf: now + 600 },
    nonce: { nonce: 'of another visit' },
    groups: { groups: { admin: true } },
    name: { preferred_username: 'a,b' },
  };
  Object.assign(claims, lies[lie] ?? {});
  const sign = (key, header) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one', ...header }).sign(key);
  switch (lie) {
    case 'unsigned': return `${base({ alg: 'none' })}.${base(claims)}.`;
    case 'symmetric': {
      const head = `${base({ alg: 'HS256', kid: 'one' })}.${base(claims)}`;
      return `${head}.${createHmac('sha256', pem).update(head).digest('base64url')}`;
    }
    case 'stranger': return sign(stranger.privateKey);
    case 'elsewhere': return sign(stranger.privateKey, { jku: `${url}/stranger`, kid: '../../etc/passwd' });
    case 'changed': {
      const [head, , tail] = (await sign(privateKey)).split('.');
      return `${head}.${base({ ...claims, groups: ['admin'] })}.${tail}`;
    }
    default: return sign(privateKey);
  }
}

server.on('request', async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, url);
  const json = (value, status = 200) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (pathname.startsWith('/lie/')) {
    lie = pathname.slice('/lie/'.length);
    return response.end();
  }
  if (pathname === '/.well-known/openid-configuration') {
    return json({
      issuer: url, authorization_endpoint: `${url}/auth`, token_endpoint: `${url}/token`, jwks_uri: `${url}/keys`,
      response_types_supported: ['code'], subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
    });
  }
  if (pathname === '/keys') return json({ keys: [jwk] });
  if (pathname === '/auth') {
    nonce = searchParams.get('nonce');
    const back = new URL(searchParams.get('redirect_uri'));
    back.search = new URLSearchParams({ code: 'c', state: searchParams.get('state') });
    if (lie === 'mix-up') back.searchParams.set('iss', 'https://evil.example');
    response.writeHead(303, { location: back.href });
    return response.end();
  }
  if (pathname === '/token') return json({ access_token: 'a', token_type: 'Bearer', id_token: await token() });
  return json({ error: 'not_found' }, 404);
});
console.log(url);
