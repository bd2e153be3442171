// The part of a Kubernetes API server that judges CustomResourceDefinitions and their objects, as one small program.
//
//	crd-validator CRDS OBJECTS
//
// CRDS is a folder of CustomResourceDefinitions (YAML), OBJECTS a folder of objects (YAML or JSON, several documents to a file).
// Every definition is validated as on creation. Every object goes the way of a create request: read as kubectl reads it, nulls
// dropped, defaulted, pruned, validated. One line of JSON to standard output for each; the exit code says only whether the
// program could do its work. scripts/crd-validator compiles it inside Kubernetes' own sources.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/ioutil"
	"os"
	"path/filepath"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	instance "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"
)

// verdict is what is said of one definition or object. An object has no problem of its schema if `schema` is empty; fields that
// the schema does not know are `pruned`, and `metadata` are the cluster's own rules for names, labels and annotations.
type verdict struct {
	File     string   `json:"file"`
	Document int      `json:"document"`
	Kind     string   `json:"kind"`
	Schema   []string `json:"schema"`
	Pruned   []string `json:"pruned"`
	Metadata []string `json:"metadata"`
}

// definition is what the server makes of a valid CustomResourceDefinition.
type definition struct {
	structural *schema.Structural
	validator  *validate.SchemaValidator
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: crd-validator CRDS OBJECTS"))
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	definitions := map[string]*definition{}
	for _, file := range files(os.Args[1]) {
		said, name, made := define(file)
		if made != nil {
			definitions[name] = made
		}
		fail(encoder.Encode(said))
	}
	for _, file := range files(os.Args[2]) {
		for index, object := range documents(file) {
			said := verdict{File: filepath.Base(file), Document: index, Kind: fmt.Sprint(object["kind"]), Pruned: []string{}, Metadata: []string{}}
			judge(object, definitions, &said)
			fail(encoder.Encode(said))
		}
	}
}

// define validates a CustomResourceDefinition as the API server does on creation, and answers the name of its objects, too.
func define(file string) (verdict, string, *definition) {
	said := verdict{File: filepath.Base(file), Kind: "CustomResourceDefinition"}
	text, err := ioutil.ReadFile(file)
	fail(err)
	read := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, read); err != nil {
		said.Schema = []string{err.Error()}
		return said, "", nil
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	scheme.Default(read)
	internal := &apiextensions.CustomResourceDefinition{}
	fail(scheme.Convert(read, internal, nil))
	for _, version := range internal.Spec.Versions {
		if version.Storage {
			internal.Status.StoredVersions = append(internal.Status.StoredVersions, version.Name)
		}
	}
	said.Schema = texts(validation.ValidateCustomResourceDefinition(internal, apiextensionsv1.SchemeGroupVersion))
	if len(said.Schema) > 0 {
		return said, "", nil
	}
	validates, err := apiextensions.GetSchemaForVersion(internal, internal.Spec.Versions[0].Name)
	fail(err)
	structural, err := schema.NewStructural(validates.OpenAPIV3Schema)
	fail(err)
	said.Schema = texts(schema.ValidateStructural(field.NewPath("openAPIV3Schema"), structural))
	validator, _, err := instance.NewSchemaValidator(validates)
	fail(err)
	version := internal.Spec.Versions[0].Name
	return said, fmt.Sprintf("%s/%s %s", internal.Spec.Group, version, internal.Spec.Names.Kind), &definition{structural, validator}
}

// judge takes an object through what a create request goes through.
func judge(object map[string]interface{}, definitions map[string]*definition, said *verdict) {
	known := definitions[fmt.Sprintf("%v %v", object["apiVersion"], object["kind"])]
	if known == nil {
		said.Schema = []string{"no definition of this apiVersion and kind"}
		return
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, known.structural)
	defaulting.Default(object, known.structural)
	before := paths("", object, map[string]bool{})
	pruning.Prune(object, known.structural, true)
	after := paths("", object, map[string]bool{})
	for path := range before {
		if !after[path] {
			said.Pruned = append(said.Pruned, path)
		}
	}
	sort.Strings(said.Pruned)
	problems := instance.ValidateCustomResource(nil, object, known.validator)
	problems = append(problems, listtype.ValidateListSetsAndMaps(nil, known.structural, object)...)
	said.Schema = texts(problems)
	said.Metadata = metadata(object["metadata"])
}

// metadata says what Kubernetes' own rules for names, labels and annotations find.
func metadata(value interface{}) []string {
	text, err := json.Marshal(value)
	fail(err)
	read := metav1.ObjectMeta{}
	if err := json.Unmarshal(text, &read); err != nil {
		return []string{"metadata: " + err.Error()}
	}
	read.Namespace = "default"
	return texts(apivalidation.ValidateObjectMeta(&read, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata")))
}

// paths adds the pointer of every field below a value.
func paths(at string, value interface{}, found map[string]bool) map[string]bool {
	switch value := value.(type) {
	case map[string]interface{}:
		for name, inner := range value {
			found[at+"/"+name] = true
			paths(at+"/"+name, inner, found)
		}
	case []interface{}:
		for index, inner := range value {
			paths(fmt.Sprintf("%s/%d", at, index), inner, found)
		}
	}
	return found
}

// documents reads a file as kubectl does: YAML 1.1 to JSON, integers as such.
func documents(file string) []map[string]interface{} {
	open, err := os.Open(file)
	fail(err)
	defer open.Close()
	var found []map[string]interface{}
	reader := yamlutil.NewYAMLReader(bufio.NewReader(open))
	for {
		text, err := reader.Read()
		if err == io.EOF {
			return found
		}
		fail(err)
		asJSON, err := yaml.YAMLToJSON(text)
		if err != nil {
			fail(fmt.Errorf("%s: %v", file, err))
		}
		if string(asJSON) == "null" {
			continue
		}
		object := map[string]interface{}{}
		if err := utiljson.Unmarshal(asJSON, &object); err != nil {
			fail(fmt.Errorf("%s: %v", file, err))
		}
		found = append(found, object)
	}
}

// files lists a folder's files in the order of their names.
func files(folder string) []string {
	entries, err := ioutil.ReadDir(folder)
	fail(err)
	var found []string
	for _, entry := range entries {
		found = append(found, filepath.Join(folder, entry.Name()))
	}
	return found
}

func texts(problems field.ErrorList) []string {
	found := []string{}
	for _, problem := range problems {
		found = append(found, problem.Error())
	}
	return found
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "crd-validator:", err)
		os.Exit(2)
	}
}
