import ChangeEvents

/// The checksum of a row of the small tables beside the log, over the values that went in.
enum PostgresRowChecksum {
    static func cursor(topic: String, _ replayID: [UInt8]) -> Int64 {
        sum {
            $0.add(topic); $0.add(bytes: replayID)
        }
    }

    static func place(_ key: [UInt8], topic: String, _ position: Int64) -> Int64 {
        sum {
            $0.add(bytes: key)
            $0.add(topic)
            $0.add(position)
        }
    }

    static func schema(_ id: String, json: String) -> Int64 {
        sum {
            $0.add(id); $0.add(json)
        }
    }

    static func gap(_ gap: Gap) -> Int64 {
        sum {
            $0.add(gap.position.rawValue)
            $0.add(gap.topic)
            $0.add(gap.reason)
            $0.add(gap.declaredAt)
        }
    }

    /// Texts, integers and nulls.
    static func gapEntry(_ values: [FieldValue]) -> Int64 {
        sum { sum in
            for value in values {
                switch value {
                case .string(let text): sum.add(text)
                case .integer(let number): sum.add(number)
                default: sum.addNull()
                }
            }
        }
    }

    static func state(_ key: String, _ value: [UInt8]) -> Int64 {
        sum {
            $0.add(key); $0.add(bytes: value)
        }
    }

    static func objectTable(_ entity: String, definition: String) -> Int64 {
        sum {
            $0.add(entity); $0.add(definition)
        }
    }

    private static func sum(_ add: (inout Checksum) -> Void) -> Int64 {
        var sum = Checksum(seed: 0)
        add(&sum)
        return sum.stored
    }
}

extension Checksum {
    fileprivate mutating func add(bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }
}

extension StoreError {
    /// Throws where a row's checksum is another than what it holds gives.
    static func checkIntact(_ stored: Int64, _ computed: Int64, _ what: @autoclosure () -> String) throws(StoreError) {
        guard stored == computed else {
            throw StoreError(code: .corrupt, message: "\(what()) is damaged: its checksum does not match")
        }
    }

    /// A text of our own tables that is not as it was written.
    static func checked(_ text: String?, _ what: @autoclosure () -> String) throws(StoreError) -> String {
        guard let text else {
            throw StoreError(code: .corrupt, message: "\(what()) is damaged: a text is not as it was written")
        }
        return text
    }
}
