/// Why decoding stopped, in two words: what is thrown inside the hot path, where an error with texts would cost.
///
/// Trivial, so it travels in registers. `EventSchema` and `AvroSchema` turn it into an `AvroError`, finding the field
/// path by decoding a second time (see `AvroDecoder.path(at:)`): only a failure pays for it.
struct AvroFault: Error {
    enum Code: UInt8 {
        case truncated, overlongNumber, numberOutOfRange, negativeLength, notABoolean, badBranch, badSymbol, notUTF8
        case blockSizeMismatch, countOutOfRange, tooDeep, tooMuchWork, trailingBytes
        case bitmapNotation, bitOutOfRange, unknownChangeType, outputTooLarge
        /// Not a failure: `AvroDecoder.path(at:)` has arrived.
        case located
    }

    var code: Code
    /// Offset in the payload.
    var offset: Int

    init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    func error(path: String?) -> AvroError {
        AvroError(code: errorCode, message: message, offset: offset, path: path)
    }

    private var errorCode: AvroError.Code {
        switch code {
        case .truncated, .overlongNumber, .numberOutOfRange, .negativeLength, .notABoolean, .badBranch, .badSymbol,
            .notUTF8,
            .blockSizeMismatch, .countOutOfRange, .trailingBytes, .unknownChangeType, .located:
            .malformedPayload
        case .bitmapNotation, .bitOutOfRange: .malformedBitmap
        case .tooDeep, .tooMuchWork, .outputTooLarge: .limitExceeded
        }
    }

    private var message: String {
        switch code {
        case .truncated: "the payload ends inside a value"
        case .overlongNumber: "a variable-length number is longer than it may be"
        case .numberOutOfRange: "a number does not fit an int"
        case .negativeLength: "a length is negative"
        case .notABoolean: "a boolean is neither 0 nor 1"
        case .badBranch: "a union index is out of range"
        case .badSymbol: "an enum index is out of range"
        case .notUTF8: "a string is not UTF-8"
        case .blockSizeMismatch: "a block does not have the size that it declares"
        case .countOutOfRange: "a block claims more items than the payload can hold"
        case .tooDeep: "values are nested deeper than \(AvroLimits.valueDepthMax) levels"
        case .tooMuchWork: "the payload holds more values than its size allows"
        case .trailingBytes: "bytes follow the end of the value"
        case .bitmapNotation: "a bitmap is not in the notation 0x… or index-0x…"
        case .bitOutOfRange: "a bitmap names a field that the schema does not have"
        case .unknownChangeType: "the change type is not known"
        case .outputTooLarge: "the JSON form is larger than \(AvroLimits.outputBytesMax) bytes"
        case .located: "the value is not usable"
        }
    }
}

/// The bounds within which schemas and payloads are read. Real ones stay far below: the largest captured schema has
/// 16 KB and four levels, Salesforce limits an event to 1 MB.
enum AvroLimits {
    /// Bytes of a schema's JSON text.
    static let schemaBytesMax = 2 << 20
    /// Nesting of JSON in a schema's text.
    static let schemaTextDepthMax = 256
    /// Nesting of types in a schema.
    static let schemaDepthMax = 64
    /// Values that the defaults of a schema may be tried as. Real ones are nulls and numbers, one step each.
    static let defaultStepsMax = 1 << 18
    /// Nesting of values in a payload; what bounds the stack on recursive schemas.
    static let valueDepthMax = 128
    /// Bytes of one event's JSON form.
    static let outputBytesMax = 64 << 20
    /// Values that a payload may hold beyond those that its bytes pay for. Values without bytes (null, empty records)
    /// let a small payload claim 2^62 items.
    static let freeValuesMax = 1 << 20
    /// Values per byte of payload: a nullable field of a record in an array is four for one byte.
    static let valuesPerByteMax = 8

    static func valuesMax(payloadBytes: Int) -> Int { freeValuesMax + payloadBytes * valuesPerByteMax }
}
