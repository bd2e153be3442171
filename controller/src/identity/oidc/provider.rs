//! What an issuer says of itself, its keys, and a client of it.

use super::claims::Extra;
use super::{SignInError, http};
use crate::config;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreIdTokenVerifier, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, ClientId, ClientSecret, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenFields, IssuerUrl, ProviderMetadataWithLogout, RedirectUrl, StandardErrorResponse,
    StandardTokenResponse, SubjectIdentifier, UserInfoClaims,
};
use serde_json::{Map, Value};
use std::pin::Pin;
use ureq::Agent;

type Fields =
    IdTokenFields<Extra, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type Client = openidconnect::Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The algorithms by which an ID token may be signed: with the issuer's private key, never with a secret that both know, never not at all.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 7] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// An issuer, as it describes itself.
#[derive(Clone)]
pub(super) struct Provider {
    metadata: ProviderMetadataWithLogout,
    agent: Agent,
}

type Sent = Pin<Box<dyn Future<Output = Result<HttpResponse, http::Failed>> + Send>>;

impl Provider {
    /// Asks the issuer for its description and its keys.
    pub(super) async fn discover(settings: &config::Oidc) -> Result<Self, SignInError> {
        let unreachable = |why: String| SignInError::Unreachable { issuer: settings.issuer.clone(), why };
        let agent = http::client(settings.ca.as_deref()).map_err(unreachable)?;
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|error| unreachable(error.to_string()))?;
        let send = sender(agent.clone());
        let found = ProviderMetadataWithLogout::discover_async(issuer, &send).await;
        let metadata = found.map_err(|error| unreachable(http::chain(&error)))?;
        Ok(Self { metadata, agent })
    }

    /// What sends its requests.
    pub(super) fn http(&self) -> impl Fn(HttpRequest) -> Sent + use<> {
        sender(self.agent.clone())
    }

    /// A client that comes back to this URL.
    pub(super) fn client(&self, settings: &config::Oidc, redirect: &str) -> Result<Client, SignInError> {
        let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|error| SignInError::Untrue(error.to_string()))?;
        let secret = settings.client_secret.as_ref().map(|secret| ClientSecret::new(secret.reveal().to_owned()));
        let id = ClientId::new(settings.client_id.clone());
        Ok(openidconnect::Client::from_provider_metadata(self.metadata.clone(), id, secret).set_redirect_uri(redirect))
    }

    /// What judges ID tokens.
    pub(super) fn verifier<'a>(&self, client: &'a Client) -> CoreIdTokenVerifier<'a> {
        client.id_token_verifier().set_allowed_algs(ALGORITHMS)
    }

    /// What the issuer says of a person, where it has a place for that; of this subject only.
    pub(super) async fn user_info(
        &self,
        client: &Client,
        token: AccessToken,
        subject: SubjectIdentifier,
    ) -> Result<Map<String, Value>, SignInError> {
        let Ok(request) = client.user_info(token, Some(subject)) else { return Ok(Map::new()) };
        let send = self.http();
        let found: Result<UserInfoClaims<Extra, CoreGenderClaim>, _> = request.request_async(&send).await;
        let claims = found.map_err(|error| SignInError::Untrue(http::chain(&error)))?;
        super::claims::as_map(&claims).map_err(SignInError::from)
    }

    /// Where a session at the issuer is ended.
    pub(super) fn sign_out_url(&self, client: &str, back: &str) -> Option<String> {
        let mut url = self.metadata.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
        url.query_pairs_mut().append_pair("client_id", client).append_pair("post_logout_redirect_uri", &format!("{back}/"));
        Some(url.to_string())
    }
}

fn sender(agent: Agent) -> impl Fn(HttpRequest) -> Sent + use<> {
    move |request| {
        let agent = agent.clone();
        Box::pin(http::send(agent, request)) as Sent
    }
}
