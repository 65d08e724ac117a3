import ChangeEvents
import Foundation
import GRDB

/// Records of objects that have a table of their own.
extension SQLiteSession {
    func objectTable(_ entity: String) throws(StoreError) -> ObjectTable? { layouts[entity]?.table }

    func record(in layout: TableLayout, id: RecordID) throws(StoreError) -> StoredRecord? {
        let row = try statements(of: layout).statement(.record)
        defer { row.reset() }
        row.bind(1, id)
        return try row.step() ? try read(row, layout) : nil
    }

    func isDeleted(in layout: TableLayout, id: RecordID) throws(StoreError) -> Bool? {
        let row = try statements(of: layout).statement(.standing)
        defer { row.reset() }
        row.bind(1, id)
        return try row.step() ? row.integer(0) != 0 : nil
    }

    func standings(in layout: TableLayout, after: RecordID?, limit: Int) throws(StoreError) -> [RecordStanding] {
        let row = try statement(layout.standingsPageSQL)
        defer { row.reset() }
        row.bind(1, after?.string ?? "")
        row.bind(2, Int64(limit))
        var standings: [RecordStanding] = []
        while try row.step() {
            guard row.isText(0), let id = RecordID(utf8: row.bytes(0)) else {
                throw StoreError(code: .corrupt, message: "a row of \(layout.table.entity) has no record id")
            }
            standings.append(RecordStanding(id: id, isDeleted: row.integer(1) != 0))
        }
        return standings
    }

    private func statements(of layout: TableLayout) -> TableStatements {
        if let known = tables[ObjectIdentifier(layout)] { return known }
        let made = TableStatements(layout, database)
        tables[ObjectIdentifier(layout)] = made
        return made
    }

    /// Records by id, of a statement that takes the id before and the limit.
    func page(
        _ sql: String, of layout: TableLayout, after: RecordID?, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        let row = try statement(sql)
        defer { row.reset() }
        row.bind(1, after?.string ?? "")
        row.bind(2, Int64(limit))
        var records: [StoredRecord] = []
        while try row.step() { records.append(try read(row, layout)) }
        return records
    }

    func records(
        entity: String, where field: String, is value: FieldValue, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        guard limit > 0, value != .null else { return [] }
        guard let layout = layouts[entity] else {
            return try scan(entity: entity, where: field, is: value, limit: limit)
        }
        guard let column = layout.columns.first(where: { $0.name == field }), column.holds(value) else { return [] }
        let row = try statement("\(layout.wholeSQL) WHERE \(column.sqlName) = ? LIMIT ?")
        defer { row.reset() }
        row.bind(1, value)
        row.bind(2, Int64(limit))
        var records: [StoredRecord] = []
        while try row.step() { records.append(try read(row, layout)) }
        return records
    }

    private func scan(
        entity: String, where field: String, is value: FieldValue, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        var found: [StoredRecord] = []
        var last: RecordID?
        while true {
            let page = try records(entity: entity, after: last, limit: Self.scanPageSize)
            for record in page where record.image.fields[field].map({ TextFunctions.isEqual($0, value) }) ?? false {
                found.append(record)
                if found.count == limit { return found }
            }
            guard let final = page.last, page.count == Self.scanPageSize else { return found }
            last = final.image.id
        }
    }

    private static let scanPageSize = 500

    func select(
        _ select: RowSelect, deriving derivation: (any RowDerivation)?,
        _ body: (ResultRow) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let row = try selectStatement(select.sql)
        defer { row.reset() }
        for (index, parameter) in select.parameters.enumerated() { row.bind(Int32(index + 1), parameter) }
        let result = ResultRow(statement: row, names: names)
        guard let derivation else {
            while try row.step() { if try !body(result) { return } }
            return
        }
        let call = DerivationCall(derivation)
        while try call.during(database, { () throws(StoreError) in try row.step() }) {
            if try !body(result) { return }
        }
    }

    /// Queries have as many texts as their authors like: those that come again are kept prepared, up to a bound.
    private func selectStatement(_ sql: String) throws(StoreError) -> SQLiteStatement {
        guard admission?.admits(sql) ?? false else { return try SQLiteStatement(database, uncached: sql) }
        let kept = try statement(sql)
        // A select inside the body of one with the same text (children of children) needs a statement of its own.
        return kept.isBusy ? try SQLiteStatement(database, uncached: sql) : kept
    }

    // Writing.

    func put(_ record: StoredRecord, in layout: TableLayout) throws(StoreError) {
        let table = statements(of: layout)
        let known = try table.statement(.indexed)
        known.bind(1, record.image.id)
        guard try known.step() else {
            known.reset()
            return try insert(record, in: layout)
        }
        let number = known.integer(0)
        let map = table.map(of: record.image.fields.shape)
        let isExact = map.holdsExactly(record) { layout.columns[$0].holds($1) }
        var mask: UInt64 = 0
        for (bit, place) in layout.indexedPlaces.enumerated() {
            let value = kept(record, layout.columns[place], map.places[place], isExact: isExact)
            if !known.isSame(Int32(bit + 1), value ?? .null) { mask |= 1 << UInt64(bit) }
        }
        known.reset()
        let update = layout.update(mask)
        let row = try statement(update.sql)
        row.bind(1, number)
        bindSystem(record, isExact: isExact, to: row, from: 2)
        for (index, place) in update.places.enumerated() {
            guard let value = kept(record, layout.columns[place], map.places[place], isExact: isExact) else { continue }
            row.bind(Int32(index + 6), value)
        }
        try row.run()
    }

    /// Of a record that is not there.
    func insert(_ record: StoredRecord, in layout: TableLayout) throws(StoreError) {
        let table = statements(of: layout)
        let map = table.map(of: record.image.fields.shape)
        let isExact = map.holdsExactly(record) { layout.columns[$0].holds($1) }
        let row = try table.statement(.insert)
        row.bind(1, record.image.id)
        bindSystem(record, isExact: isExact, to: row, from: 2)
        for (index, column) in layout.columns.enumerated() {
            guard let value = kept(record, column, map.places[index], isExact: isExact) else { continue }
            row.bind(Int32(index + 6), value)
        }
        try row.run()
    }

    private func bindSystem(_ record: StoredRecord, isExact: Bool, to row: SQLiteStatement, from index: Int32) {
        row.bind(index, Int64(record.isDeleted ? 1 : 0))
        row.bind(index + 1, Int64(record.needsRefetch ? 1 : 0))
        row.bind(index + 2, record.commitTimestamp)
        if !isExact { row.bind(index + 3, ImageCodec.encode(record.image)) }
    }

    /// What stands in the column, nil for null: of an image that the columns cannot hold exactly, what they can, so that
    /// queries find it.
    private func kept(
        _ record: StoredRecord, _ column: TableLayout.Column, _ place: Int?, isExact: Bool
    ) -> FieldValue? {
        guard let place, let value = record.image.fields[place] else { return nil }
        if case .null = value { return nil }
        return isExact || column.holds(value) ? value : nil
    }

    func read(_ row: SQLiteStatement, _ layout: TableLayout) throws(StoreError) -> StoredRecord {
        guard row.isText(0), let id = RecordID(utf8: row.bytes(0)) else {
            throw StoreError(code: .corrupt, message: "a row of \(layout.table.entity) has no record id")
        }
        let isDeleted = row.integer(1) != 0
        let image: RecordImage
        if row.isNull(4) {
            var values: [FieldValue?] = []
            values.reserveCapacity(layout.shape.names.count)
            let result = ResultRow(statement: row, names: names)
            for (index, column) in layout.columns.enumerated() {
                let place = index + Int(TableLayout.systemColumnCount)
                do throws(StoreError) {
                    values.append(try result.value(place, as: column.type))
                } catch {
                    throw .corruptRecord(layout.table.entity, id.string, "\(column.name): \(error.message)")
                }
            }
            if layout.hasIsDeletedField { values.append(.boolean(isDeleted)) }
            let fields = RecordFields(shape: layout.shape, values: values)
            image = RecordImage(entity: layout.table.entity, id: id, fields: fields, isComplete: true)
        } else {
            do throws(ColumnError) {
                image = try ImageCodec.decode(row.bytes(4), names: names)
            } catch {
                throw .corruptRecord(
                    layout.table.entity, id.string, "\(error.message) at byte \(error.offset) of its image")
            }
            guard image.entity == layout.table.entity, image.id == id else {
                throw .corruptRecord(layout.table.entity, id.string, "its image is that of \(image.entity) \(image.id)")
            }
        }
        return StoredRecord(
            image: image, isDeleted: isDeleted, commitTimestamp: row.integer(3), needsRefetch: row.integer(2) != 0)
    }
}
