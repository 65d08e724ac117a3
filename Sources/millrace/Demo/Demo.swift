import ChangeEvents
import Crypto
import Doors
import Foundation
import Logging
import Sandbox
import ServiceLifecycle
import Twin
import Upstream

/// `millrace demo`, assembled: an org behind its doors, and a bridge that knows of it only what connection.json says.
///
/// The bridge can be made only when the org listens (its addresses are not known before), so the bridge's components run
/// inside one of the demo's.
struct Demo: Sendable {
    /// What the page's customers may see of a case: what a portal would show.
    static let fields = [
        "CaseNumber", "Subject", "Status", "Priority", "Type", "Reason", "Origin", "Description", "ContactId",
        "OwnerId",
        "IsClosed", "ClosedDate", "CreatedDate", "LastModifiedDate",
    ]
    static let channel = "/data/CaseChangeEvent"
    private static let issuer = "millrace-demo"
    private static let audience = "millrace"
    /// Of a customer's token: a demo may stay open over the day.
    private static let tokenLifetime = Duration.seconds(12 * 3600)

    private let directory: String
    private let port: Int
    private let org: OrgServer
    private let secret: String
    private let logger: Logger

    init(directory: String, port: Int, logger: Logger) async throws {
        let directory = URL(fileURLWithPath: directory, isDirectory: true).standardizedFileURL.path
        self.directory = directory
        self.port = port
        self.logger = logger
        // Signing key of this run's tokens; a page that is still open gets new ones when it reconnects.
        secret = SymmetricKey(size: .bits256).withUnsafeBytes { bytes in
            bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        var configuration = Sandbox.Configuration()
        // It runs for as long as somebody watches, past what an org delivers in a day.
        configuration.use(.unlimitedAddOn)
        org = try await OrgServer(
            directory: directory + "/org", addresses: .init(), corsOrigins: [], sandbox: configuration, logger: logger)
    }

    var components: [Component] {
        let listening = Announcement<Connection>()
        let orgComponents = org.components { connection in listening.publish(connection) }
        let bridge = Component("bridge") {
            let connection = try await listening.value()
            try await runBridge(connection)
        }
        return orgComponents + [bridge]
    }

    /// Runs the bridge until it is told to stop, with a service group of its own so that its parts stop in their order.
    private func runBridge(_ connection: Connection) async throws {
        let settings = try settings(for: connection)
        let page = DemoPage(demo: self, connection: connection, org: org.sandbox)
        let bridge = try await Bridge(settings, routes: [page.routes], logger: logger)
        page.bridge.publish(bridge)
        let announce = Component("announce") {
            let authority = try await bridge.authority()
            for origin in Self.origins(of: authority) {
                bridge.hub.allow(origin: origin)
                org.allow(corsOrigin: origin)
            }
            try await writeDescription(authority: authority, connection: connection)
            Console.print("The demo is at http://\(authority)/   (Ctrl-C ends it)")
            try? await gracefulShutdown()
        }
        try await ServiceGroup(services: bridge.components + [announce], logger: logger).run()
    }

    /// Ten years.
    static let retention = Duration.seconds(3_650 * 86_400)

    private func settings(for connection: Connection) throws -> Bridge.Settings {
        var push = PushConfiguration()
        push.allowsTokenInQuery = true
        // The page is made from the log, so it must reach back to the first case, however long the demo is kept.
        var twin = Twin.Configuration()
        twin.retention = Self.retention
        return Bridge.Settings(
            org: try OrgConnection(withTLS: connection), topics: [Upstream.Topic("/data/ChangeEvents")],
            store: .file(directory + "/millrace.sqlite"), twin: twin, push: push,
            verifier: try TokenVerifier(algorithm: .hs256, key: secret, issuer: Self.issuer, audience: Self.audience),
            http: .init(host: "127.0.0.1", port: port))
    }

    /// The three customers, each with a token for their own cases.
    func customers() async throws -> [DemoRoutes.PageConfiguration.Customer] {
        let signer = try TokenSigner(algorithm: .hs256, key: secret, issuer: Self.issuer, audience: Self.audience)
        let now = Int64(Date().timeIntervalSince1970)
        return try await org.sandbox.demoCustomers().map { customer in
            let token = try signer.sign(
                subject: customer.contactID,
                allow: [
                    .init(channel: Self.channel, where: "ContactId = '\(customer.contactID)'", fields: Self.fields)
                ],
                issuedAt: now, lifetime: Self.tokenLifetime)
            return .init(
                name: customer.name, account: customer.accountName, contact_id: customer.contactID, token: token)
        }
    }

    /// `DIR/demo.json`, for scripts.
    private func writeDescription(authority: String, connection: Connection) async throws {
        struct Description: Encodable {
            var page_url: String
            var push_url: String
            var events_url: String
            var connection: Connection
            var customers: [DemoRoutes.PageConfiguration.Customer]
        }
        let description = Description(
            page_url: "http://\(authority)/", push_url: "ws://\(authority)/push",
            events_url: "http://\(authority)/events",
            connection: connection, customers: try await customers())
        try PrivateFile.write(JSONText.pretty(description), to: directory + "/demo.json")
    }

    /// The page's own origins: what may connect to the hub and call the org from a browser.
    private static func origins(of authority: String) -> [String] {
        ["http://\(authority)", "http://localhost:\(authority.split(separator: ":").last ?? "")"]
    }
}

/// The page's two documents, answered from the org and the bridge.
private struct DemoPage: Sendable {
    var demo: Demo
    var connection: Connection
    var org: Sandbox
    /// Published as soon as it exists: the routes are part of it.
    let bridge = Announcement<Bridge>()

    var routes: DemoRoutes {
        DemoRoutes(
            configuration: {
                let authority = try await bridge.value().authority()
                let session = try await org.openSession(username: connection.username)
                return .init(
                    push_url: "ws://\(authority)/push", events_url: "http://\(authority)/events",
                    org: .init(
                        instance_url: connection.httpURL, access_token: session.accessToken, api_version: "66.0",
                        name: "Electric Motors"),
                    customers: try await demo.customers())
            },
            numbers: {
                guard let bridge = bridge.current else {
                    return .init(
                        upstream_deliveries: 0, client_deliveries: 0, direct_deliveries: 0, connections: 0, commits: [])
                }
                let statistics = bridge.hub.statistics()
                return .init(
                    upstream_deliveries: bridge.upstream.status.deliveries, client_deliveries: statistics.deliveries,
                    direct_deliveries: statistics.directDeliveries,
                    connections: statistics.connections,
                    commits: org.recentCommits().suffix(Self.commitsShownMax).map {
                        .init(replayID: $0.replayID.description, milliseconds: $0.committedAt)
                    })
            })
    }

    /// Some minutes of lively traffic; the page keeps what it has seen.
    private static let commitsShownMax = 300
}
