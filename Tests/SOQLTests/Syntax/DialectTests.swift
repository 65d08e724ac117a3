import Testing

@testable import SOQL

/// What a channel's filter forbids of the one grammar.
struct DialectTests {
    private func refusal(_ text: String, _ dialect: ConditionDialect) -> SOQLError? {
        do throws(SOQLError) {
            _ = try Condition(text, dialect: dialect)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        "Industry = 'Agriculture' AND NumberOfEmployees > 1000", "Name LIKE 'A%' OR (A__c = 1 AND B__c = 2)",
        "NOT City__c = 'X'", "A__c = 1 AND (NOT(B__c = 2))", "N__c > 2147483647", "N__c > 2147483648.0",
        "Name = 'O\\'Hara'", "N__c >= -2147483648",
    ])
    func changeEventFiltersTake(_ text: String) {
        #expect(refusal(text, .changeEventFilter) == nil)
    }

    @Test(arguments: [
        ("Industry IN ('A','B')", 10), ("Industry NOT IN ('A')", 10), ("Tags__c INCLUDES ('A')", 9),
        ("A__c = 1 AND (NOT B__c = 2)", 15), ("NOT(A__c = 1 AND B__c = 2)", 1), ("N__c > 2147483648", 8),
        ("N__c > -2147483649", 8), ("Name LIKE 'a\\_b'", 13), ("Name LIKE 'a\\%b'", 13), ("Name = 'a\\\\b'", 10),
        ("CreatedDate > TODAY", 15),
    ])
    func changeEventFiltersRefuse(_ text: String, at position: Int) {
        #expect(refusal(text, .changeEventFilter)?.position == position)
        #expect(refusal(text, .changeEventFilter)?.message.isEmpty == false)
    }

    @Test func platformEventFiltersTakeLists() {
        #expect(refusal("City__c IN ('A','B') AND (NOT(N__c NOT IN (1,2)))", .platformEventFilter) == nil)
        #expect(refusal("City__c INCLUDES ('A')", .platformEventFilter) != nil)
    }

    @Test func tenFieldsAreTheMost() {
        let ten = (1...10).map { "F\($0)__c = 1" }
        #expect(refusal(ten.joined(separator: " AND "), .changeEventFilter) == nil)
        #expect(refusal((ten + ["f1__C = 2"]).joined(separator: " AND "), .changeEventFilter) == nil)
        #expect(refusal((ten + ["F11__c = 1"]).joined(separator: " AND "), .changeEventFilter) != nil)
        #expect(refusal((ten + ["F11__c = 1"]).joined(separator: " AND "), .full) == nil)
    }
}
