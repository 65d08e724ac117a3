/// What an OAuth `error` means for us: try again, or wait for a person.
///
/// The texts vary between releases, so only the code and, for one case, a key word count.
enum OAuthRefusal {
    /// Errors that pass by themselves.
    private static let passing: Set<String> = [
        "rate_limit_exceeded", "server_error", "temporarily_unavailable", "unknown_error",
    ]

    /// HTTP statuses that pass by themselves, whatever the body says: too early, too many requests, and the server's
    /// own.
    static func isPassing(status: Int) -> Bool { status == 425 || status == 429 || status >= 500 }

    /// The error for an answer that is not a token. `invalid_grant` stands for nearly everything that is wrong with an
    /// app, a user or a key, all of it lasting; only an assertion that expired on its way is worth another attempt.
    static func error(status: Int, code: String?, description: String?) -> UpstreamError {
        let text = printable(description ?? "HTTP \(status)")
        guard let code else {
            return isPassing(status: status)
                ? UpstreamError(.loginFailed, "The login host answers HTTP \(status).")
                : UpstreamError(
                    .loginRefused, "The login host answers HTTP \(status) without an OAuth error: is its URL right?")
        }
        let isPassing =
            isPassing(status: status) || passing.contains(code) || (code == "invalid_grant" && text.contains("expired"))
        return UpstreamError(
            isPassing ? .loginFailed : .loginRefused, advice(code: code, text: text),
            reason: "\(printable(code)): \(text)")
    }

    private static func advice(code: String, text: String) -> String {
        switch code {
        case "invalid_grant" where text.contains("approved"):
            "The user has not approved the connected app: pre-authorise it for the user's profile or permission set."
        case "invalid_grant" where text.lowercased().contains("audience"):
            "The org does not accept the audience: it must be the login host, not the instance."
        case "invalid_grant" where text.contains("assertion"):
            "The org does not accept the assertion: does the private key belong to the app's certificate?"
        case "invalid_grant" where text.contains("expired"):
            "The assertion counts as expired: is this machine's clock right?"
        case "invalid_client_id":
            "The org does not know the client id (a new app takes some minutes to work)."
        case "invalid_app_access":
            "The user's profile or permission set does not allow the connected app."
        default:
            "The org refuses the login."
        }
    }

    /// The answer's text is the server's: bounded, and nothing that could break a log line.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.prefix(200).filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }
}
