import Doors

/// The errors of the token endpoint in an org's own words.
extension OAuthError {
    static let unknownClient = OAuthError(error: "invalid_client_id", description: "client identifier invalid")
    static let invalidAssertion = OAuthError(error: "invalid_grant", description: "invalid assertion")
    static let wrongAudience = OAuthError(error: "invalid_grant", description: "audience is invalid")
    /// An org uses the words of the code flow for an assertion that is too old.
    static let expiredAssertion = OAuthError(error: "invalid_grant", description: "expired authorization code")
    /// An unknown user, too: nothing tells a caller which users there are.
    static let notApproved = OAuthError(error: "invalid_grant", description: "user hasn't approved this consumer")
    /// Username and password are refused by default in new orgs.
    static let passwordRefused = OAuthError(error: "invalid_grant", description: "authentication failure")
    static let grantUnsupported = OAuthError(error: "unsupported_grant_type", description: "grant type not supported")
    static let wrongSecret = OAuthError(error: "invalid_client", description: "invalid client credentials")
    static let notAdminApproved = OAuthError(
        error: "invalid_app_access", description: "user is not admin approved to access this app")
    /// Too old, used before, or never given.
    static let expiredCode = OAuthError(error: "invalid_grant", description: "expired authorization code")
    static let expiredToken = OAuthError(error: "invalid_grant", description: "expired access/refresh token")
    static let wrongRedirect = OAuthError(
        error: "redirect_uri_mismatch", description: "redirect_uri must match configuration")
    static let wrongVerifier = OAuthError(error: "invalid_grant", description: "invalid code verifier")
    static let noRunAsUser = OAuthError(error: "invalid_grant", description: "no client credentials user enabled")
    static let wrongDomain = OAuthError(error: "invalid_grant", description: "request not supported on this domain")
    static let locked = OAuthError(error: "invalid_grant", description: "user is locked")
    static let inactiveUser = OAuthError(error: "inactive_user", description: "user is inactive")
    static let invalidScope = OAuthError(error: "invalid_scope", description: "the requested scope is not allowed")
    static let responseTypeUnsupported = OAuthError(
        error: "unsupported_response_type", description: "response type not supported")
    static let invalidToken = OAuthError(error: "invalid_token", description: "invalid token")
    static let badToken = OAuthError(status: 403, error: "invalid_token", description: "Bad_OAuth_Token")
    static let serverFailure = OAuthError(
        status: 500, error: "server_error", description: "An unexpected error occurred.")

    static func missing(_ parameter: String) -> OAuthError {
        OAuthError(error: "invalid_request", description: "missing required \(parameter) parameter")
    }
}
