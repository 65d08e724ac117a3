import ChangeEvents

/// One row of `records`. `needs_refetch` stands outside the checksum, so that a whole object can be marked in one statement.
enum RecordRow {
    static let columns = "entity, id, is_deleted, needs_refetch, commit_timestamp, checksum, image"
    static let upsertSQL = """
        INSERT INTO records (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (entity, id) DO UPDATE SET is_deleted = excluded.is_deleted, needs_refetch = excluded.needs_refetch,
        commit_timestamp = excluded.commit_timestamp, checksum = excluded.checksum, image = excluded.image
        """

    static func bind(_ record: StoredRecord, to statement: SQLiteStatement) {
        let image = ImageCodec.encode(record.image)
        statement.bind(1, record.image.entity)
        statement.bind(2, record.image.id.string)
        statement.bind(3, Int64(record.isDeleted ? 1 : 0))
        statement.bind(4, Int64(record.needsRefetch ? 1 : 0))
        statement.bind(5, record.commitTimestamp)
        image.withUnsafeBytes {
            statement.bind(6, checksum($0, isDeleted: record.isDeleted, commitTimestamp: record.commitTimestamp))
            statement.bind(7, $0)
        }
    }

    static func read(_ row: SQLiteStatement, names: NameCache) throws(StoreError) -> StoredRecord {
        guard let entity = row.text(0), let id = row.text(1) else {
            throw StoreError(code: .corrupt, message: "a row of the records is not UTF-8")
        }
        let isDeleted = row.integer(2) != 0
        let commitTimestamp = row.integer(4)
        let bytes = row.bytes(6)
        guard row.integer(5) == checksum(bytes, isDeleted: isDeleted, commitTimestamp: commitTimestamp) else {
            throw .corruptRecord(entity, id, "its checksum does not match")
        }
        let image: RecordImage
        do throws(ColumnError) {
            image = try ImageCodec.decode(bytes, names: names)
        } catch {
            throw .corruptRecord(entity, id, "\(error.message) at byte \(error.offset) of its image")
        }
        guard image.entity == entity, image.id.string == id else {
            throw .corruptRecord(entity, id, "its image is that of \(image.entity) \(image.id)")
        }
        return StoredRecord(
            image: image, isDeleted: isDeleted, commitTimestamp: commitTimestamp, needsRefetch: row.integer(3) != 0)
    }

    static func checksum(_ image: UnsafeRawBufferPointer, isDeleted: Bool, commitTimestamp: Int64) -> Int64 {
        var sum = Checksum(seed: isDeleted ? 1 : 0)
        sum.add(commitTimestamp)
        sum.add(image)
        return sum.stored
    }
}
