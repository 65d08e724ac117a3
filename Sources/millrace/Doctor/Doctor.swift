import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import Store
import Upstream

/// Looks at everything that a gateway with this configuration needs, and says of each thing how it is and what to do.
///
/// Changes nothing, and does not disturb a gateway that runs. A handful of API calls, and two of the Pub/Sub API for each
/// replicated object.
struct Doctor: Sendable {
    /// Of the org's clock: the signed login is good for 3 minutes.
    private static let clockWarning = 30
    private static let clockError = 150
    /// Of an allowance that is left.
    private static let allowanceWarning = 0.25
    private static let allowanceError = 0.05
    /// Bytes that a store's disk should have free.
    private static let freeWarning: Int64 = 2 << 30

    let configuration: Configuration
    let logger: Logger

    func findings() async -> [Finding] {
        var findings = [store(), retention()]
        findings += await gateway()
        do {
            try await OrgAPI.with(OrgConnection(configuration.org), budget: APIBudget(), logger: logger) { api in
                findings += await examine(api)
            }
        } catch {
            findings.append(Self.login(error))
        }
        return findings
    }

    // MARK: Here

    private func store() -> Finding {
        switch configuration.store.location {
        case .file(let path):
            let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
            guard FileManager.default.isWritableFile(atPath: directory) else {
                return .error(
                    "store", "\(directory) cannot be written to",
                    advice: "Give its user the right to, or change store.path.")
            }
            let attributes = try? FileManager.default.attributesOfFileSystem(forPath: directory)
            guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value else {
                return .ok("store", path)
            }
            let room = "\(free >> 30) GiB free in \(directory)"
            if free < Self.freeWarning {
                return .warning(
                    "store", room, advice: "The log grows with the events: make room, or set store.log_size_max.")
            }
            return .ok("store", room)
        case .database(let url, _):
            do {
                return .ok("store", "PostgreSQL \(try PostgresStore.serverVersion(of: url.reveal()))")
            } catch {
                return .error("store", error.message, advice: "Check the address, the user and the server.")
            }
        }
    }

    private func retention() -> Finding {
        let kept = configuration.store.retention
        if kept < Lag.retention {
            return .warning(
                "retention", "events are kept for \(Int(kept / .seconds(3_600))) hours, the org keeps them for 72",
                advice: "A client that is away for longer has to load anew: set store.retention to 72h or more.")
        }
        return .ok("retention", "events are kept for \(Int(kept / .seconds(3_600))) hours")
    }

    /// What a gateway that runs says of itself; of one that does not, how long its store has been left alone.
    private func gateway() async -> [Finding] {
        let address = GatewayOptions.address(of: configuration.listen)
        let report: Readiness
        do {
            let body = try await Self.answer(address + "/ready", bytesMax: 1 << 20)
            report = try JSONDecoder().decode(Readiness.self, from: Data(body.readableBytesView))
        } catch {
            return [
                .ok("gateway", "does not run at \(address), or is not to be reached from here"),
                Lag.finding(store: configuration.store.location, now: Date()),
            ]
        }
        let bad = report.checks.filter { !$0.ready }
        let readiness: Finding =
            bad.isEmpty
            ? .ok("gateway", "runs at \(address) and is ready")
            : .error(
                "gateway", bad.map { "\($0.name): \($0.detail)" }.joined(separator: "; "),
                advice: "Its log says more; what follows here may say why.")
        do {
            let metrics = try await Self.answer(address + "/metrics", bytesMax: 16 << 20)
            return [readiness, Lag.finding(metrics: String(buffer: metrics), topics: configuration.topics)]
        } catch {
            return [
                readiness, .warning("lag", "\(address)/metrics does not answer: \(error)", advice: "Run this again."),
            ]
        }
    }

    /// The body, whatever the status.
    private static func answer(_ url: String, bytesMax: Int) async throws -> ByteBuffer {
        try await GatewayHTTP.answer(HTTPClientRequest(url: url), within: .seconds(10), bytesMax: bytesMax).body
    }

    private struct Readiness: Decodable {
        struct Check: Decodable {
            var name: String
            var ready: Bool
            var detail: String
        }
        var checks: [Check]
    }

    // MARK: In the org

    private static func login(_ error: any Error) -> Finding {
        guard let error = error as? UpstreamError else {
            return .error("login", "\(error)", advice: "Check org.login_url, and the way there.")
        }
        switch error.code {
        case .loginRefused:
            return .error(
                "login", "\(error)",
                advice:
                    "Check org.client_id, org.username and the certificate of the connected app, and that the user is "
                    + "admitted to it (docs/salesforce-setup.md).")
        default:
            return .error("login", "\(error)", advice: "Check org.login_url, and the way there.")
        }
    }

    private func examine(_ api: OrgAPI) async -> [Finding] {
        let limits: [String: OrgLimit]
        do {
            limits = try await api.limits()
        } catch {
            return [Self.login(error)]
        }
        var findings: [Finding] = [.ok("login", "the org accepts \(configuration.org.username)")]
        findings += Self.allowances(limits)
        findings.append(await Self.clock(api))
        return findings + (await objects(api))
    }

    private static func allowances(_ limits: [String: OrgLimit]) -> [Finding] {
        let wanted = [
            (
                "DailyApiRequests", "API calls",
                "Other clients of the org use them up: see Setup, API Usage; set api.calls_per_day_max."
            ),
            (
                "DailyDeliveredPlatformEvents", "delivered events",
                "Every subscriber of the org counts: see which others could listen to Millrace instead."
            ),
            ("DailyBulkV2QueryJobs", "Bulk API query jobs", "Snapshots wait until there are some again."),
        ]
        return wanted.compactMap { name, words, advice in
            guard let limit = limits[name], limit.max > 0 else { return nil }
            let message = "\(limit.remaining.grouped) of \(limit.max.grouped) \(words) are left today"
            let left = Double(limit.remaining) / Double(limit.max)
            if left < allowanceError { return .error("allowances", message, advice: advice) }
            if left < allowanceWarning { return .warning("allowances", message, advice: advice) }
            return .ok("allowances", message)
        }
    }

    private static func clock(_ api: OrgAPI) async -> Finding {
        let offset: Int
        do {
            guard let found = try await api.clockOffset() else {
                return .ok("clock", "the org's answers have no date to compare with")
            }
            offset = found
        } catch {
            return .warning("clock", "the org does not answer: \(error)", advice: "Run this again.")
        }
        let message = "\(abs(offset)) s apart from the org's"
        let advice = "Let this machine follow a time server: a signed login is good for 3 minutes."
        if abs(offset) >= clockError { return .error("clock", message, advice: advice) }
        if abs(offset) >= clockWarning { return .warning("clock", message, advice: advice) }
        return .ok("clock", message)
    }
}
