import ChangeEvents

/// Records of objects that have a table of their own.
extension PostgresSession {
    func objectTable(_ entity: String) throws(StoreError) -> ObjectTable? { layouts[entity]?.table }

    func record(in layout: PostgresLayout, id: RecordID) throws(StoreError) -> StoredRecord? {
        guard let row = try query(layout.recordSQL, { $0.add(id) }).first else { return nil }
        return try read(row, layout)
    }

    func records(
        entity: String, where field: String, is value: FieldValue, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        guard limit > 0, value != .null else { return [] }
        guard let layout = layouts[entity] else {
            return try scan(entity: entity, where: field, is: value, limit: limit)
        }
        guard let column = layout.columns.first(where: { $0.name == field }), column.holds(value) else { return [] }
        let result = try query(
            "\(layout.wholeSQL) WHERE \(layout.condition(column)) AND sfid IS NOT NULL LIMIT $2"
        ) { cells in
            column.add(value, to: &cells)
            cells.add(Int64(limit))
        }
        var records: [StoredRecord] = []
        for row in result.rows { records.append(try read(row, layout)) }
        return records
    }

    private func scan(
        entity: String, where field: String, is value: FieldValue, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        var found: [StoredRecord] = []
        var last: RecordID?
        while true {
            let page = try untabledRecords(entity: entity, after: last, limit: Self.pageSize)
            for record in page where record.image.fields[field].map({ TextFunctions.isEqual($0, value) }) ?? false {
                found.append(record)
                if found.count == limit { return found }
            }
            guard let final = page.last, page.count == Self.pageSize else { return found }
            last = final.image.id
        }
    }

    /// Rows that a select fetches at once.
    private static let fetchedAtOnce = 200

    /// Runs it through a cursor of the server, so that rows come as they are wanted and a body may run other statements.
    func select(
        _ select: RowSelect, deriving derivation: (any RowDerivation)?,
        _ body: (ResultRow) throws(StoreError) -> Bool
    ) throws(StoreError) {
        guard derivation == nil else {
            throw StoreError(
                code: .database, message: "a store on PostgreSQL cannot work out derived values inside a select")
        }
        cursors += 1
        let cursor = "select_\(cursors)"
        var cells = PostgresCells()
        for parameter in select.parameters { Self.add(parameter, to: &cells) }
        try run(
            "DECLARE \(cursor) NO SCROLL CURSOR FOR \(Self.numbered(select.sql))", cells,
            types: select.parameters.map { Self.type(of: $0)?.rawValue ?? 0 })
        var isWanted = true
        while isWanted {
            let result = try run("FETCH \(Self.fetchedAtOnce) FROM \(cursor)")
            for row in result.rows {
                isWanted = try body(ResultRow(row))
                if !isWanted { break }
            }
            if result.rowCount < Self.fetchedAtOnce { break }
        }
        try run("CLOSE \(cursor)")
    }

    /// `?` becomes `$1`, `$2` and so on, where it stands in no text and no quoted name.
    static func numbered(_ sql: String) -> String {
        var numbered = ""
        var number = 0
        var quote: Character?
        for character in sql {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if character == "?" {
                number += 1
                numbered += "$\(number)"
                continue
            }
            numbered.append(character)
        }
        return numbered
    }

    private static func type(of value: FieldValue) -> PostgresType? {
        switch value {
        case .null, .list: nil
        case .boolean: .bool
        case .integer: .int8
        case .double: .float8
        case .string: .text
        case .date: .date
        case .dateTime: .timestamptz
        case .time: .time
        }
    }

    private static func add(_ value: FieldValue, to cells: inout PostgresCells) {
        switch value {
        case .null, .list: cells.addNull()
        case .boolean(let flag): cells.add(flag)
        case .integer(let number): cells.add(number)
        case .double(let number): cells.add(double: number)
        // No text of the database has a NUL: PostgreSQL's refusal of one says so.
        case .string(let text): cells.add(plain: text)
        case .date(let milliseconds) where PostgresTime.holds(date: milliseconds):
            cells.add(date: PostgresTime.days(milliseconds))
        case .dateTime(let milliseconds) where PostgresTime.holds(dateTime: milliseconds):
            cells.add(PostgresTime.stamp(milliseconds))
        case .time(let milliseconds) where PostgresTime.holds(time: milliseconds): cells.add(milliseconds * 1_000)
        // Such a day or time is in no column: it is equal to nothing, as null is.
        case .date, .dateTime, .time: cells.addNull()
        }
    }

    // Writing.

    func put(_ record: StoredRecord, in layout: PostgresLayout) throws(StoreError) {
        try connection.send(layout.putSQL, cells(of: record, layout))
    }

    func insert(_ record: StoredRecord, in layout: PostgresLayout) throws(StoreError) {
        try connection.send(layout.insertSQL, cells(of: record, layout))
    }

    /// The columns of `selected`: of an image that they cannot hold exactly, what they can, so that queries find it.
    func cells(of record: StoredRecord, _ layout: PostgresLayout) -> PostgresCells {
        let map = layout.map(of: record.image.fields.shape)
        let isExact = map.holdsExactly(record) { layout.columns[$0].holds($1) }
        var cells = PostgresCells(reserving: 64 + layout.columns.count * 16)
        cells.add(record.image.id)
        cells.add(record.isDeleted)
        cells.add(record.needsRefetch)
        cells.add(record.commitTimestamp)
        if isExact { cells.addNull() } else { cells.add(ImageCodec.encode(record.image)) }
        for (index, column) in layout.columns.enumerated() {
            guard let place = map.places[index], let value = record.image.fields[place],
                isExact || column.holds(value)
            else {
                cells.addNull()
                continue
            }
            column.add(value, to: &cells)
        }
        return cells
    }

    func read(_ row: PostgresRow, _ layout: PostgresLayout) throws(StoreError) -> StoredRecord {
        guard !row.isNull(0), let id = row.withBytes(0, { RecordID(utf8: $0) }) else {
            throw StoreError(code: .corrupt, message: "a row of \(layout.table.entity) has no record id")
        }
        let isDeleted = row.boolean(1)
        let image: RecordImage
        if row.isNull(4) {
            var values: [FieldValue?] = []
            values.reserveCapacity(layout.shape.names.count)
            for (index, column) in layout.columns.enumerated() {
                guard let value = row.value(index + PostgresLayout.systemColumnCount, as: column.type) else {
                    throw .corruptRecord(
                        layout.table.entity, id.string, "\(column.name) holds a value of another type than was written")
                }
                values.append(value)
            }
            if layout.hasIsDeletedField { values.append(.boolean(isDeleted)) }
            let fields = RecordFields(shape: layout.shape, values: values)
            image = RecordImage(entity: layout.table.entity, id: id, fields: fields, isComplete: true)
        } else {
            do throws(ColumnError) {
                image = try row.withBytes(4) { bytes throws(ColumnError) in try ImageCodec.decode(bytes, names: names) }
            } catch {
                throw .corruptRecord(
                    layout.table.entity, id.string, "\(error.message) at byte \(error.offset) of its image")
            }
            guard image.entity == layout.table.entity, image.id == id else {
                throw .corruptRecord(layout.table.entity, id.string, "its image is that of \(image.entity) \(image.id)")
            }
        }
        return StoredRecord(
            image: image, isDeleted: isDeleted, commitTimestamp: row.integer(3), needsRefetch: row.boolean(2))
    }
}
