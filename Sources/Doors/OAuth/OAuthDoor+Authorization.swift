internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// The authorization endpoint of the web-server flow: a login page that is also the question whether the application may
/// have access. A form, without script.
extension OAuthDoor {
    func authorizationPage(_ request: Request) async throws -> Response {
        let authorization: AuthorizationRequest
        do throws(OAuthError) {
            authorization = AuthorizationRequest(parameters: try Self.query(of: request))
        } catch {
            return Self.page(LoginPage.html(error), status: .badRequest)
        }
        do throws(AuthorizationRefusal) {
            let prompt = try service.authorizationPrompt(authorization)
            return Self.page(LoginPage.html(prompt, authorization, message: nil), status: .ok)
        } catch {
            return Self.answer(to: error, authorization, prompt: nil)
        }
    }

    func authorization(_ request: Request) async throws -> Response {
        do {
            let parameters = try await form(of: request)
            let authorization = AuthorizationRequest(parameters: parameters)
            var prompt: AuthorizationPrompt?
            do throws(AuthorizationRefusal) {
                prompt = try service.authorizationPrompt(authorization)
                guard parameters["decision"] != "deny" else {
                    throw .redirect(
                        OAuthError(error: "access_denied", description: "end-user denied authorization"))
                }
                let address = try await service.authorize(
                    authorization, username: parameters["username"] ?? "", password: parameters["password"] ?? "")
                return Self.redirect(to: address)
            } catch {
                return Self.answer(to: error, authorization, prompt: prompt)
            }
        } catch let error as OAuthError {
            return Self.page(LoginPage.html(error), status: .badRequest)
        }
    }

    private static func answer(
        to refusal: AuthorizationRefusal, _ request: AuthorizationRequest, prompt: AuthorizationPrompt?
    ) -> Response {
        switch refusal {
        case .show(let error):
            return page(LoginPage.html(error), status: .badRequest)
        case .login(let message):
            guard let prompt else {
                return page(LoginPage.html(OAuthError(error: "login", description: message)), status: .unauthorized)
            }
            return page(LoginPage.html(prompt, request, message: message), status: .unauthorized)
        case .redirect(let error):
            // The address was judged before anything is sent there.
            let address = request["redirect_uri"] ?? ""
            var parameters = [("error", error.error), ("error_description", error.description)]
            if let state = request["state"] { parameters.append(("state", state)) }
            return redirect(to: FormEncoding.url(address, adding: parameters))
        }
    }

    private static func redirect(to address: String) -> Response {
        var headers = pageHeaders
        headers[.location] = address
        return Response(status: .found, headers: headers)
    }

    private static func page(_ html: String, status: HTTPResponse.Status) -> Response {
        var headers = pageHeaders
        headers[.contentType] = "text/html;charset=UTF-8"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    /// A page that asks for a password runs no script, is in no frame, and tells nobody where it was.
    private static var pageHeaders: HTTPFields {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        for (name, value) in [
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
            ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"), ("X-Content-Type-Options", "nosniff"),
        ] {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        return headers
    }
}

/// The login page's HTML.
enum LoginPage {
    static func html(_ prompt: AuthorizationPrompt, _ request: AuthorizationRequest, message: String?) -> String {
        let hidden = AuthorizationRequest.names.compactMap { name in
            request[name].map { "<input type=\"hidden\" name=\"\(name)\" value=\"\(escaped($0))\">" }
        }
        let scopes = prompt.scopes.map { "<li>\(escaped($0))</li>" }
        return document(
            "Log in | \(prompt.organizationName)",
            """
            <h1>\(escaped(prompt.organizationName))</h1>
            \(message.map { "<p class=\"error\" role=\"alert\">\(escaped($0))</p>" } ?? "")
            <form method="post" action="/services/oauth2/authorize">
            \(hidden.joined(separator: "\n"))
            <label for="username">Username</label>
            <input id="username" name="username" autocomplete="username" autofocus \
            value="\(escaped(request["username"] ?? request["login_hint"] ?? ""))">
            <label for="password">Password</label>
            <input id="password" name="password" type="password" autocomplete="current-password">
            <p><b>\(escaped(prompt.applicationName))</b> is asking for access to this org:</p>
            <ul>\(scopes.joined())</ul>
            <button name="decision" value="allow">Log in and allow</button>
            <button name="decision" value="deny" class="plain" formnovalidate>Deny</button>
            </form>
            """)
    }

    static func html(_ error: OAuthError) -> String {
        document(
            "OAuth error",
            """
            <h1>OAuth error</h1>
            <p>The application that sent you here cannot be given access.</p>
            <p class="error" role="alert"><code>error=\(escaped(error.error))</code><br>
            <code>error_description=\(escaped(error.description))</code></p>
            """)
    }

    private static func document(_ title: String, _ body: String) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>\(escaped(title))</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <style>
        body { font: 16px/1.5 system-ui, sans-serif; color: #181818; background: #f3f3f3; margin: 0 }
        main { max-width: 24rem; margin: 4rem auto; padding: 2rem; background: #fff; border: 1px solid #ddd; \
        border-radius: 8px }
        h1 { font-size: 1.25rem; margin: 0 0 1rem }
        label { display: block; margin: .75rem 0 .25rem }
        input:not([type=hidden]) { width: 100%; box-sizing: border-box; padding: .5rem; font: inherit; \
        border: 1px solid #747474; border-radius: 4px }
        button { font: inherit; padding: .5rem 1rem; border: 1px solid #0b5cab; border-radius: 4px; background: #0b5cab; \
        color: #fff; cursor: pointer }
        button.plain { background: #fff; color: #0b5cab }
        .error { background: #fddde3; border-left: 4px solid #b60554; padding: .5rem .75rem; overflow-wrap: anywhere }
        </style></head><body><main>
        \(body)
        </main></body></html>

        """
    }

    private static func escaped(_ text: String) -> String { XMLText.escaped(text).replacing("'", with: "&#39;") }
}
