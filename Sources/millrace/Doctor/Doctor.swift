import AsyncHTTPClient
import ChangeEvents
import Foundation
import Logging
import NIOCore
import Store
import Twin
import Upstream

/// Looks at everything that a gateway with this configuration needs, and says of each thing how it is and what to do.
///
/// Changes nothing, and does not disturb a gateway that runs. A handful of API calls.
struct Doctor: Sendable {
    /// Of the org's clock: the signed login is good for 3 minutes.
    private static let clockWarning = 30
    private static let clockError = 150
    /// Of an allowance that is left.
    private static let allowanceWarning = 0.25
    private static let allowanceError = 0.05
    /// Bytes that a store's disk should have free.
    private static let freeWarning: Int64 = 2 << 30
    /// How long Salesforce keeps events.
    private static let retentionOfOrg: Duration = .seconds(72 * 3_600)

    let configuration: Configuration
    let logger: Logger

    func findings() async -> [Finding] {
        var findings = [store(), retention()]
        findings.append(await gateway())
        do {
            try await OrgAPI.with(OrgConnection(configuration.org), budget: APIBudget(), logger: logger) { api in
                findings += await Self.examine(api, configuration)
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
        if kept < Self.retentionOfOrg {
            return .warning(
                "retention", "events are kept for \(Int(kept / .seconds(3_600))) hours, the org keeps them for 72",
                advice: "A client that is away for longer has to load anew: set store.retention to 72h or more.")
        }
        return .ok("retention", "events are kept for \(Int(kept / .seconds(3_600))) hours")
    }

    /// What a gateway that runs says of itself.
    private func gateway() async -> Finding {
        let address = GatewayOptions.address(of: configuration.listen)
        do {
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: address + "/ready"), timeout: .seconds(10))
            let body = try await response.body.collect(upTo: 1 << 20)
            let report = try JSONDecoder().decode(Readiness.self, from: Data(body.readableBytesView))
            let bad = report.checks.filter { !$0.ready }
            if bad.isEmpty {
                return .ok("gateway", "runs at \(address) and is ready")
            }
            return .error(
                "gateway", bad.map { "\($0.name): \($0.detail)" }.joined(separator: "; "),
                advice: "Its log says more; what follows here may say why.")
        } catch {
            return .ok("gateway", "does not run at \(address), or is not to be reached from here")
        }
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

    private static func examine(_ api: OrgAPI, _ configuration: Configuration) async -> [Finding] {
        let limits: [String: OrgLimit]
        do {
            limits = try await api.limits()
        } catch {
            return [login(error)]
        }
        var findings: [Finding] = [.ok("login", "the org accepts \(configuration.org.username)")]
        findings += allowances(limits)
        findings.append(await clock(api))
        let captured = await capturedEvents(api)
        if case .failure(let finding) = captured { findings.append(finding) }
        for object in configuration.replicatedObjects {
            findings.append(await described(object, api))
            if case .success(let events) = captured {
                findings.append(contentsOf: capture(object, events))
            }
        }
        return findings
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

    private enum Captured {
        case success(Set<String>)
        case failure(Finding)
    }

    private static func capturedEvents(_ api: OrgAPI) async -> Captured {
        do {
            return .success(Set(try await api.capturedEvents()))
        } catch {
            return .failure(
                .warning(
                    "capture", "which objects the org captures cannot be looked up: \(error)",
                    advice:
                        "The user needs View Setup and Configuration for this check; look at Setup, Change Data Capture."
                ))
        }
    }

    private static func capture(_ replicated: ReplicatedObject, _ events: Set<String>) -> [Finding] {
        let object = replicated.name
        if events.contains(ChangeEventHeader.eventName(ofEntity: object)) {
            return [.ok("capture", "changes of \(object) are captured")]
        }
        if let poll = replicated.poll {
            return [
                .ok("capture", "changes of \(object) are not captured: it is polled every \(DurationText.text(poll))")
            ]
        }
        // An object of one's own may be listed by an id, which tells nothing.
        if object.hasSuffix("__c"), events.contains(where: { !$0.hasSuffix("ChangeEvent") }) { return [] }
        return [
            .error(
                "capture", "the org does not capture changes of \(object)",
                advice:
                    "Select it in Setup, Change Data Capture, or have it polled (poll: 5m): until then its table stays as it was loaded."
            )
        ]
    }

    private static func described(_ object: ReplicatedObject, _ api: OrgAPI) async -> Finding {
        do {
            let description = try await api.describe(object.name)
            guard description.isQueryable else {
                return .error("objects", "\(object.name) cannot be queried", advice: "Take it from objects.")
            }
            if case .named(let names) = object.fields {
                let missing = names.filter { name in !description.fields.contains { $0.name == name } }
                if !missing.isEmpty {
                    return .error(
                        "objects", "\(object.name) has no \(missing.joined(separator: ", ")) for this user",
                        advice:
                            "Check the names, and the field-level security of \(object.name) in the user's permission sets."
                    )
                }
            }
            return .ok("objects", "\(object.name): \(description.fields.count) fields are visible")
        } catch let error as OrgAPIError where error.code == .notFound {
            return .error(
                "objects", "\(object.name) is not there for this user",
                advice: "Check the name, and that a permission set of the user grants Read and View All.")
        } catch {
            return .error("objects", "\(object.name): \(error)", advice: "Run this again; the org's words say why.")
        }
    }
}
