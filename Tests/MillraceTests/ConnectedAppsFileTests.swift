import Foundation
import Sandbox
import Testing

@testable import millrace

struct ConnectedAppsFileTests {
    private func read(_ text: String) -> (apps: [ConnectedApp], mistakes: [String]) {
        let mistakes = Mistakes()
        let apps = ConnectedAppsFile.read(
            text, directory: URL(fileURLWithPath: "/nowhere"), mistakes: mistakes)
        return (apps, mistakes.sorted.map { "\($0.line): \($0.message)" })
    }

    @Test func everyKeyIsRead() throws {
        let (apps, mistakes) = read(
            """
            - name: Portal
              client_id: key
              client_secret: secret
              callback_urls: [https://portal.example/callback]
              run_as: a@example.com
              scopes: [api, openid]
              requires_secret: false
              requires_code_challenge: true
              rotates_refresh_tokens: true
              admin_approved_only: true
              approved_users: [a@example.com]
              api_calls_max: 50
            - {name: Bare, client_id: bare, client_secret: s}
            """)
        #expect(mistakes.isEmpty)
        var portal = ConnectedApp(name: "Portal", clientID: "key", clientSecret: "secret")
        portal.callbackURLs = ["https://portal.example/callback"]
        portal.runAsUsername = "a@example.com"
        portal.defaultScopes = ["api", "openid"]
        portal.requiresSecret = false
        portal.requiresCodeChallenge = true
        portal.rotatesRefreshTokens = true
        portal.admitsApprovedUsersOnly = true
        portal.approvedUsernames = ["a@example.com"]
        portal.apiCallsMax = 50
        #expect(apps == [portal, ConnectedApp(name: "Bare", clientID: "bare", clientSecret: "s")])
    }

    @Test func everyMistakeIsNamedWithItsLine() {
        let (_, mistakes) = read(
            """
            - name: A
              client_id: key
              client_secret: s
              call_back_urls: []
              scopes: api
              requires_secret: yes please
              public_key_file: missing.pem
            - name: B
              client_id: key
              client_secret: s
            - name: C
            - 7
            """)
        #expect(
            mistakes == [
                "4: unknown key call_back_urls: did you mean callback_urls?", "5: scopes must be a list of texts",
                "6: requires_secret must be true or false", "7: public_key_file cannot be read: /nowhere/missing.pem",
                "8: client_id key stands twice", "11: client_id is missing", "11: client_secret is missing",
                "12: a connected app must be keys with values",
            ])
        #expect(
            read("- {name: A, client_id: k, client_secret: s, api_calls_max: 0}").mistakes == [
                "1: api_calls_max must be a whole number above 0"
            ])
        #expect(read("a: 1").mistakes == ["1: the file must be a list of connected apps"])
    }
}
