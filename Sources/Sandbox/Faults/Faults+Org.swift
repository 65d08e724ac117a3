import ChangeEvents
public import Doors
import Store

/// What the org itself asks of its faults.
extension Faults {
    /// A record is about to be written.
    func checkWrite(object: String, id: String?) throws(OrgError) {
        guard strike(.write(object: object)) != nil else { return }
        throw OrgError(
            status: 400, errorCode: "UNABLE_TO_LOCK_ROW",
            message: "unable to obtain exclusive access to this record or 1 records: \(id ?? "a new \(object)")",
            fields: [])
    }

    /// A bulk job is about to work on its next rows; the error that it fails with, keeping what is done.
    public func bulkFault(job: String, object: String, rowsDone: Int) -> OrgError? {
        guard strike(.batch(object: object)) != nil else { return nil }
        return OrgError(
            status: 500, errorCode: "InternalServerError",
            message: "Job \(job) failed after \(rowsDone) rows, on command.", fields: [])
    }

    func checkSchema(_ id: String) throws(EventBusError) {
        guard strike(.schema(id: id)) != nil else { return }
        throw EventBusError(code: .unavailable, message: "The service is temporarily unavailable.")
    }

    /// A subscription is about to begin. The Pub/Sub API has one code for ids that have expired and for ids that are none.
    func checkSubscription(topic: String, from: ReplayStart) throws(EventBusError) {
        guard let fault = strike(.subscription(topic: topic, from: from)) else { return }
        let reason = fault.kind == .replayExpired ? "within the retention window" : "valid"
        throw EventBusError(
            code: .replayIDCorrupted,
            message: "The Replay ID validation failed. Ensure that the Replay ID is \(reason).")
    }

    /// What becomes of a change that is about to be an event.
    enum ChangeFault { case gap, overflow }

    func changeFault(object: String) -> ChangeFault? {
        switch strike(.change(object: object))?.kind {
        case .gap: .gap
        case .overflow: .overflow
        default: nil
        }
    }

    /// A delivery as it is to be: the same, or one that the reader will get the last event of again, or only what is old
    /// enough.
    ///
    /// - Parameter before: the replay id at `after`.
    func delivery(
        _ read: BusRead, topic: String, after: Position, now: Int64, before: ReplayID?
    ) -> BusRead {
        guard !read.events.isEmpty, let fault = strike(.delivery(topic: topic)) else { return read }
        var read = read
        switch fault.kind {
        case .duplicate:
            // The reader stands one event further back than it should, so the last one comes again with the next read.
            read.reached = read.events.dropLast().last?.position ?? after
        case .delay:
            let visible = now - Int64(fault.seconds * 1_000)
            let count = read.events.prefix { $0.receivedAt <= visible }.count
            guard count < read.events.count else { return read }
            // A place from which what is held back will still be read: before the first of it.
            read.events.removeSubrange(count...)
            read.reached = read.events.last?.position ?? after
            read.latestReplayID = read.events.last?.event.replayID ?? before ?? read.latestReplayID
        default: break
        }
        return read
    }
}
