import Doors
import Foundation
import Hummingbird
import Sandbox
import Upstream

/// The demo's page and the two documents it reads: `/demo/config.json` (once) and `/demo/numbers` (every second).
///
/// Only `millrace demo` serves these: the configuration holds tokens of the three customers and a session of the agent.
struct DemoRoutes: HTTPRoutes {
    /// What the page needs to know once.
    struct PageConfiguration: Codable, ResponseEncodable, Sendable {
        struct Org: Codable, Sendable {
            var instance_url: String
            var access_token: String
            var api_version: String
            var name: String
        }

        struct Customer: Codable, Sendable {
            var name: String
            var account: String
            var contact_id: String
            var token: String
        }

        var push_url: String
        var events_url: String
        var org: Org
        var customers: [Customer]
    }

    /// The numbers of the strip.
    struct Numbers: Codable, ResponseEncodable, Sendable {
        /// Events that the org delivered to Millrace: what counts against its daily allocation.
        var upstream_deliveries: Int
        /// Events that Millrace delivered to clients.
        var client_deliveries: Int
        /// What the clients' subscriptions would have cost had each been the org's own: the org does not filter by user.
        var direct_deliveries: Int
        /// Push connections open now.
        var connections: Int
        /// (replay id, wall clock in milliseconds at which the org's transaction was durable), newest last.
        var commits: [Commit]

        /// Encoded as a pair.
        struct Commit: Codable, Sendable {
            var replayID: String
            var milliseconds: Double

            init(replayID: String, milliseconds: Double) {
                self.replayID = replayID
                self.milliseconds = milliseconds
            }

            init(from decoder: any Decoder) throws {
                var pair = try decoder.unkeyedContainer()
                replayID = try pair.decode(String.self)
                milliseconds = try pair.decode(Double.self)
            }

            func encode(to encoder: any Encoder) throws {
                var pair = encoder.unkeyedContainer()
                try pair.encode(replayID)
                try pair.encode(milliseconds)
            }
        }
    }

    /// Made anew for each load of the page, so that a reloaded page always has tokens that are not about to expire.
    var configuration: @Sendable () async throws -> PageConfiguration
    var numbers: @Sendable () async -> Numbers

    func add(to router: Router<BasicRequestContext>) {
        router.get("/") { _, _ in Self.page.asset(PackageResources.index_html, type: "text/html; charset=utf-8") }
        router.get("/demo/page.js") { _, _ in
            Self.page.asset(PackageResources.page_js, type: "text/javascript; charset=utf-8")
        }
        router.get("/demo/style.css") { _, _ in
            Self.page.asset(PackageResources.style_css, type: "text/css; charset=utf-8")
        }
        router.get("/demo/millrace.js") { _, _ in
            Self.page.asset(PackageResources.millrace_js, type: "text/javascript; charset=utf-8")
        }
        router.get("/demo/config.json") { request, _ in
            try Self.checkHost(of: request)
            return try await configuration()
        }
        router.get("/demo/numbers") { _, _ in await numbers() }
    }

    /// The document holds tokens: a page of another site, whose name was made to point to this machine (DNS rebinding), names
    /// its own host in the request and gets nothing.
    private static func checkHost(of request: Request) throws {
        guard WebAddress.isThisMachine(String(request.host)) else {
            throw HTTPError(.forbidden, message: "The demo answers on 127.0.0.1 and localhost only.")
        }
    }

    /// It talks to the hub and the org, whose ports are not known beforehand.
    private static let page = Page(connections: "'self' ws: http:")
}
