//! The examples of the documentation and what they leave open, for JSON.

use super::{prints, refuses};

#[tokio::test]
async fn paths() {
    const HOUSE: &str =
        r#"{"house": {"address": {"zip": "32830"}, "appliances": {"washing machine": {"brand": "Any Brand"}}}}"#;
    prints(&[
        (r#"json_extract_path_text('{"f2":{"f3":1},"f4":{"f5":99,"f6":"star"}}','f4', 'f6')"#, "star"),
        (r#"json_extract_path_text('{"f2":{"f3":1},"f4":{"f5":99,"f6":"star"}}','f4')"#, r#"{"f5":99,"f6":"star"}"#),
        (r#"json_extract_path_text('{"f2":{"f3":1},"f4":{"f5":99,"f6":"star"}','f4', 'f6',true)"#, "NULL"),
        (r#"json_extract_path_text('{"farm": {"barn": {}}}', 'farm', 'barn', 'color')"#, "NULL"),
        (&format!("json_extract_path_text('{HOUSE}', 'house', 'appliances', 'washing machine', 'brand')"), "Any Brand"),
        (r#"json_extract_path_text('{"a": "x\\ny\\u00e9", "b": null}', 'a')"#, "x\nyé"),
        (r#"json_extract_path_text('{"a": 1, "b": null}', 'b')"#, "NULL"),
        (r#"json_extract_path_text('{"a": 1.50}', 'a')"#, "1.50"),
        (r#"json_extract_path_text('{"a,}": {"b\\"": [1, {"c": "]"}]}, "z": true}', 'z')"#, "true"),
    ])
    .await;
    refuses(&[
        (r#"json_extract_path_text('{"f4":{"f5":99}','f4')"#, "is not JSON"),
        (r#"json_extract_path_text('{}','1','2','3','4','5','6')"#, "one to 5 path elements"),
        (r#"json_extract_path_text('{}', true)"#, "one to 5 path elements"),
    ])
    .await;
}

#[tokio::test]
async fn arrays() {
    const BROKEN: &str = r#"'["a",["b",1,["c",2,3,null,]]]'"#;
    prints(&[
        ("json_extract_array_element_text('[111,112,113]', 2)", "113"),
        ("json_extract_array_element_text('[111,112,113]', 3)", ""),
        ("json_extract_array_element_text('[111,112,113]', -1)", ""),
        (r#"json_extract_array_element_text('["a",["b",1]]', 1)"#, r#"["b",1]"#),
        (&format!("json_extract_array_element_text({BROKEN},1,true)"), "NULL"),
        (r#"json_array_length('[11,12,13,{"f1":21,"f2":[25,26]},14]')"#, "5"),
        (r#"json_array_length('[11,12,13,{"f1":21,"f2":[25,26]},14',true)"#, "NULL"),
        ("json_array_length(' [] ')", "0"),
    ])
    .await;
    refuses(&[
        (&format!("json_extract_array_element_text({BROKEN},1)"), "is not a JSON array"),
        (r#"json_array_length('[11,12,13,{"f1":21,"f2":[25,26]},14')"#, "is not a JSON array"),
        (&format!("json_array_length('{}')", "[".repeat(5_000)), "is not a JSON array"),
    ])
    .await;
}

#[tokio::test]
async fn validity() {
    prints(&[
        (r#"is_valid_json('{"a":2}')"#, "true"),
        (r#"is_valid_json('{"a":{"b":{"c":1}}}')"#, "true"),
        (r#"is_valid_json('{"a": [1,2,"b"]}')"#, "true"),
        ("is_valid_json('{{}}')", "false"),
        (r#"is_valid_json('{1:"a"}')"#, "false"),
        ("is_valid_json('[1,2,3]')", "false"),
        ("is_valid_json_array('[]')", "true"),
        (r#"is_valid_json_array('["a","b"]')"#, "true"),
        (r#"is_valid_json_array('["a",["b",1,["c",2,3,null]]]')"#, "true"),
        (r#"is_valid_json_array('{"a":1}')"#, "false"),
        ("is_valid_json_array('a')", "false"),
        ("is_valid_json_array('[1,2,]')", "false"),
    ])
    .await;
}
