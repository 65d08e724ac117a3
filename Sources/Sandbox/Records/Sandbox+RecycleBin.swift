import ChangeEvents
import Logging
import Store
import Twin

/// What lies in the recycle bin goes by itself after a while, by the org's clock. No event tells of it.
extension Sandbox {
    /// How long a deleted record can be brought back, and `queryAll` and `deleted` still know of it.
    static let recycleBinDays: Int64 = 15
    /// Records of one transaction: between two of them other calls commit.
    private static let purgedAtOnce = 500
    private static let purgedEvery = Duration.seconds(3_600)

    func expireRecycleBin() async throws {
        let before = configuration.clock() - Self.recycleBinDays * OrgTime.millisecondsPerDay
        let catalogue = self.catalogue
        let isDue = try await twin.store.read { reader in
            try catalogue.objects.contains { object in
                try object.isWritable && !RecycleBin.deleted(object, before: before, limit: 1, reader).isEmpty
            }
        }
        guard isDue else { return }
        var purged = 0
        repeat {
            purged = try await transaction(origin: .background, userID: nil, isPublished: false) {
                try $0.purge(deletedBefore: before, limit: Self.purgedAtOnce)
            }
        } while purged == Self.purgedAtOnce
    }

    /// Looks now and then, until cancelled.
    func keepEmptyingRecycleBin() async throws {
        while true {
            do {
                try await expireRecycleBin()
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // Nothing is lost: the next time comes.
                logger.warning("the recycle bin could not be looked through", metadata: ["error": "\(error)"])
            }
            try await Task.sleep(for: Self.purgedEvery)
        }
    }
}

/// The deleted records of an object.
enum RecycleBin {
    /// Ids of those deleted before an instant, the oldest first. A deletion is the last thing that moves `SystemModstamp`.
    static func deleted(
        _ object: ObjectDefinition, before: Int64, limit: Int, _ reader: any StoreReader
    ) throws -> [RecordID] {
        let table = ObjectTable.sqlName(of: object.name)
        let select = RowSelect(
            sql: """
                SELECT sfid FROM "\(table)" WHERE isdeleted = ?1 AND systemmodstamp < ?2 \
                ORDER BY systemmodstamp LIMIT \(limit)
                """,
            parameters: [.boolean(true), .dateTime(milliseconds: before)])
        var ids: [RecordID] = []
        try reader.select(select) { row throws(StoreError) in
            if let id = RecordID(try row.text(0)) { ids.append(id) }
            return true
        }
        return ids
    }
}

extension OrgTransaction {
    /// Takes records out of the recycle bin for good that were deleted before an instant, at most `limit`; answers how many.
    func purge(deletedBefore before: Int64, limit: Int) throws -> Int {
        var count = 0
        for object in catalogue.objects where object.isWritable && count < limit {
            for id in try RecycleBin.deleted(object, before: before, limit: limit - count, writer) {
                guard let record = try stored(object, id) else { continue }
                try remove(object, record)
                try setState(RecycleBinEntry.key(of: id), to: nil)
                count += 1
            }
        }
        return count
    }
}
