public import ChangeEvents

/// What `updated` tells: records created or changed in a time.
public struct UpdatedRecords: Sendable, Hashable {
    public var ids: [RecordID]
    /// Where the next question begins: the org knows of everything up to here, also of transactions that were still under
    /// way. Milliseconds since 1970.
    public var coveredUntil: Int64
}

/// What `deleted` tells.
public struct DeletedRecords: Sendable, Hashable {
    public struct Record: Sendable, Hashable {
        public var id: RecordID
        /// Milliseconds since 1970.
        public var deletedAt: Int64
    }
    public var records: [Record]
    /// The org has forgotten what was deleted before. Milliseconds since 1970.
    public var availableSince: Int64?
    public var coveredUntil: Int64
}

/// One line of `/limits`.
public struct OrgLimit: Sendable, Hashable {
    public var max: Int
    public var remaining: Int
}

extension OrgAPI {
    /// How far back `updated` and `deleted` may ask.
    public static let replicationWindow: Duration = .seconds(30 * 86_400)

    /// Ids of the records that were created or changed from `start` to `end` (milliseconds since 1970; the org looks at
    /// whole seconds at best). The object must be replicateable.
    public func updated(_ object: String, from start: Int64, to end: Int64) async throws -> UpdatedRecords {
        let value = try await replication(object, "updated", start, end)
        guard case .array(let ids)? = value["ids"] else { throw OrgAnswer.unreadable("list of ids") }
        return UpdatedRecords(
            ids: try ids.map { id throws(OrgAPIError) in try Self.id(id) },
            coveredUntil: try Self.time(value["latestDateCovered"], "latestDateCovered"))
    }

    /// Records that were deleted from `start` to `end`, as far as the recycle bin still knows them.
    public func deleted(_ object: String, from start: Int64, to end: Int64) async throws -> DeletedRecords {
        let value = try await replication(object, "deleted", start, end)
        guard case .array(let items)? = value["deletedRecords"] else { throw OrgAnswer.unreadable("list of records") }
        return DeletedRecords(
            records: try items.map { item throws(OrgAPIError) in
                DeletedRecords.Record(
                    id: try Self.id(item["id"]), deletedAt: try Self.time(item["deletedDate"], "deletedDate"))
            },
            availableSince: try value["earliestDateAvailable"].map { date throws(OrgAPIError) in
                try Self.time(date, "earliestDateAvailable")
            },
            coveredUntil: try Self.time(value["latestDateCovered"], "latestDateCovered"))
    }

    /// `/limits`, by name (`DailyApiRequests`, `DailyBulkV2QueryJobs`). What has no `Max` and `Remaining` is left out.
    public func limits() async throws -> [String: OrgLimit] {
        let call = OrgCall(target: "\(Self.root)/limits", deadline: caller.timing.callDeadline)
        guard case .object(let members) = try await caller.answer(call, for: purpose).value() else {
            throw OrgAnswer.unreadable("limits")
        }
        let limits = members.compactMapValues { value -> OrgLimit? in
            guard let max = value["Max"]?.integer, let remaining = value["Remaining"]?.integer else { return nil }
            return OrgLimit(max: Int(clamping: max), remaining: Int(clamping: remaining))
        }
        return limits
    }

    private func replication(
        _ object: String, _ kind: String, _ start: Int64, _ end: Int64
    ) async throws -> RESTValue {
        guard start < end, .milliseconds(end - start) <= Self.replicationWindow else {
            throw OrgAPIError(
                .requestInvalid,
                "What was \(kind) can be asked for 30 days at most, and the start comes before the end.")
        }
        // Outward: asking for more brings a record twice, asking for less could leave one out.
        let from = URLText.escaped(OrgTime.text(seconds: start / 1_000))
        let to = URLText.escaped(OrgTime.text(seconds: (end + 999) / 1_000))
        let call = OrgCall(
            target: "\(Self.root)/sobjects/\(URLText.escaped(object))/\(kind)/?start=\(from)&end=\(to)",
            deadline: caller.timing.queryDeadline)
        return try await caller.answer(call, for: purpose).value()
    }

    private static func id(_ value: RESTValue?) throws(OrgAPIError) -> RecordID {
        guard let text = value?.string, let id = RecordID(text) else { throw OrgAnswer.unreadable("record id") }
        return id
    }

    private static func time(_ value: RESTValue?, _ name: String) throws(OrgAPIError) -> Int64 {
        guard let text = value?.string, let time = OrgTime.dateTime(text.utf8) else {
            throw OrgAnswer.unreadable("readable \(name)")
        }
        return time
    }
}
