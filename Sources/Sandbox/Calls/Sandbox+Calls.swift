import ChangeEvents
public import Doors
import Foundation
import Logging
import Store
import Synchronization
import Twin

/// Calls counted, limited and remembered.
extension Sandbox {
    /// How often calls are written down. What came since is lost with `kill -9`.
    static let callsWrittenEvery = Duration.seconds(1)

    public func countCall(_ session: OrgSession, requestID: String) async throws(OrgError) -> String {
        let now = configuration.clock()
        let max = configuration.apiCallsMax
        let app = session.clientID
        let appMax = apiCallsMax(ofApp: app)
        let longMax = configuration.longCallsMax
        guard state.withLock({ !$0.running.hasLong(longMax, now: now) }) else {
            throw OrgError(
                status: 403, errorCode: "REQUEST_LIMIT_EXCEEDED",
                message: "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
        }
        let counted = state.withLock { state -> (used: (org: Int, app: Int), isTooMuch: Bool, isTimeToWrite: Bool) in
            let used = state.usage.count(now: now, app: app)
            let isTooMuch = used.org > max || appMax.map { used.app > $0 } ?? false
            if isTooMuch { state.usage.uncount(app: app) } else { state.running.begin(requestID, at: now) }
            return (used, isTooMuch, state.calls.pendingLines >= CallLog.pendingLinesMax)
        }
        if counted.isTimeToWrite { await writeCalls() }
        guard !counted.isTooMuch else {
            throw OrgError(status: 403, errorCode: "REQUEST_LIMIT_EXCEEDED", message: "TotalRequests Limit exceeded.")
        }
        let text = "api-usage=\(counted.used.org)/\(max)"
        guard let appMax else { return text }
        return text + "; per-app-api-usage=\(counted.used.app)/\(appMax)(appName=\(appName(app)))"
    }

    public func record(_ call: APICall) {
        let now = configuration.clock()
        let app = call.session.map {
            ConnectedAppName(clientID: $0.clientID, name: appName($0.clientID), instance: organization.instance)
        }
        state.withLock {
            $0.running.end(call.requestID)
            $0.calls.add(call, at: now, organizationID: organization.shortID, app: app)
        }
    }

    /// API calls of an app in 24 hours; nil: it has no limit of its own.
    func apiCallsMax(ofApp clientID: String) -> Int? {
        configuration.apiCallsPerAppMax[clientID] ?? configuration.apiCallsPerAppMax[appName(clientID)]
            ?? configuration.connectedApps.first { $0.clientID == clientID }?.apiCallsMax
    }

    /// The name of a connected app.
    func appName(_ clientID: String) -> String {
        if clientID == organization.clientID { return "Millrace Sandbox" }
        return configuration.connectedApps.first { $0.clientID == clientID }?.name ?? clientID
    }

    /// Writes down the calls since the last time, with the count of them. A failure loses nothing: the next time comes.
    func writeCalls() async {
        let taken = state.withLock { $0.calls.takePending() }
        guard !taken.isEmpty else { return }
        let now = configuration.clock()
        do {
            let hours = try await twin.commit { [self] writer in
                let usage = state.withLock { $0.usage }
                try writer.setState(APIUsage.stateKey, to: [UInt8](JSONEncoder().encode(usage)))
                return try CallLog.flush(taken, now: now, into: writer)
            }
            state.withLock { $0.calls.written(hours) }
        } catch {
            logger.warning("calls could not be written down", metadata: ["error": "\(error)"])
            state.withLock { $0.calls.restore(taken) }
        }
    }

    /// Writes calls down until cancelled.
    func keepWritingCalls() async throws {
        while true {
            try await Task.sleep(for: Self.callsWrittenEvery)
            await writeCalls()
        }
    }

    /// The event log files that there are, oldest first.
    func eventLogFiles(_ reader: any StoreReader) throws -> [EventLogFile] {
        EventLogFile.all(try CallLog.read(reader).hours, now: configuration.clock())
    }
}
